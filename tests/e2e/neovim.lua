-- Drives Neovim like a user would and writes what was seen as JSON to $OBSERVED; test_neovim.py looks
-- at it. Runs as a coroutine, so that Neovim's main loop handles keys and messages in between.

local seen = {}

local function sleep(milliseconds)
  local this = coroutine.running()
  vim.defer_fn(function()
    assert(coroutine.resume(this))
  end, milliseconds)
  coroutine.yield()
end

local function wait_for(what, condition)
  for _ = 1, 1500 do
    if condition() then
      return
    end
    sleep(20)
  end
  error('waited in vain for ' .. what)
end

local function press(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 't', false)
end

local function edit(file)
  press('<Esc>')
  wait_for('normal mode', function()
    return vim.fn.mode() == 'n'
  end)
  vim.cmd('edit ' .. file)
end

local function mode_is(mode)
  return function()
    return vim.fn.mode() == mode
  end
end

local function extmark()
  local namespace = require('verifrag.ghost').namespace
  return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })[1]
end

-- The only progress bar before a module is generated is the model's.
local model_loaded = false
local show_progress = vim.lsp.handlers['$/progress']
vim.lsp.handlers['$/progress'] = function(err, progress, ...)
  model_loaded = model_loaded or progress.value.kind == 'end'
  return show_progress(err, progress, ...)
end

local function diagnostics()
  edit('rtl/alarm.v')
  wait_for('diagnostics', function()
    return #vim.diagnostic.get(0) > 0
  end)
  seen.diagnostics = vim.tbl_map(function(d)
    return { line = d.lnum, column = d.col, message = d.message, source = d.source }
  end, vim.diagnostic.get(0))
  vim.api.nvim_buf_set_lines(0, 33, 34, true, { '        else if (presses > threshold)' })
  wait_for('the fixed buffer to be clean', function()
    return #vim.diagnostic.get(0) == 0
  end)
  seen.unsaved = vim.bo.modified
end

local function completion_menu()
  vim.o.completeopt = 'menuone,noinsert'
  press('Godeb<C-x><C-o>')
  wait_for('the completion menu', function()
    return #vim.fn.complete_info({ 'items' }).items > 0
  end)
  seen.menu = vim.tbl_map(function(item)
    return item.word
  end, vim.fn.complete_info({ 'items' }).items)
  press('<C-e><Esc>')
  wait_for('normal mode', mode_is('n'))
end

local function ghost_text()
  wait_for('the model', function()
    return model_loaded
  end)
  edit('rtl/ghost.v')
  press('jA ')
  wait_for('ghost text', extmark)
  local mark = extmark()
  seen.ghost = { line = mark[2], column = mark[3], text = mark[4].virt_text[1][1] }
  press('<M-l>')
  wait_for('the accepted text', function()
    return vim.api.nvim_get_current_line():find('& b;')
  end)
  seen.accepted = vim.api.nvim_get_current_line()
  seen.cursor = vim.api.nvim_win_get_cursor(0)
  wait_for('the reference in the store', function()
    local list = { vim.env.SERVER_PYTHON, '-m', 'trainer.references', 'list' }
    return vim.fn.system(list):find('ghost.v')
  end)
end

local function stale_ghost_text()
  press('<Esc>')
  wait_for('normal mode', mode_is('n'))
  vim.api.nvim_buf_set_lines(0, 1, 2, true, { '  assign y =' })
  press('A ')
  wait_for('ghost text again', extmark)
  press('<Esc>')
  wait_for('normal mode', mode_is('n'))
  seen.after_leaving_insert_mode = extmark() == nil
end

local function generated_module()
  edit('rtl/todo.v')
  vim.cmd('normal! G')
  vim.ui.select = function(actions, options, choose)
    seen.actions = vim.tbl_map(options.format_item, actions)
    choose(actions[1])
  end
  vim.lsp.buf.code_action()
  wait_for('the generated module', function()
    return vim.fn.search('module from_comment', 'nw') > 0
  end)
  seen.generated = vim.api.nvim_buf_get_lines(0, -6, -1, false)
end

local function scenario()
  vim.o.swapfile = false
  vim.o.hidden = true
  vim.cmd('filetype on')
  require('verifrag').setup({
    cmd = { vim.env.SERVER_PYTHON, '-m', 'lsp_server', '--stdio', '--log-file', vim.env.SERVER_LOG },
    settings = { diagnostics = { delay = 10 } },
    delay = 10,
  })
  for _, step in ipairs({
    diagnostics,
    completion_menu,
    ghost_text,
    stale_ghost_text,
    generated_module,
  }) do
    step()
  end
end

coroutine.wrap(function()
  local good, problem = xpcall(scenario, debug.traceback)
  if not good then
    seen.problem = problem
  end
  vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.OBSERVED)
  vim.cmd('qall!')
end)()
