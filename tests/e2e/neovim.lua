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
    local result = condition()
    if result then
      return result
    end
    sleep(20)
  end
  error('waited in vain for ' .. what)
end

-- Types keys and waits until Neovim has taken them.
local function press(keys)
  local taken = false
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 't', false)
  vim.schedule(function()
    taken = true
  end)
  wait_for('keys to be taken', function()
    return taken
  end)
end

local function normal_mode()
  press('<Esc>')
  wait_for('normal mode', function()
    return vim.fn.mode() == 'n'
  end)
end

-- Opens a file as it is on disk.
local function edit(file)
  normal_mode()
  vim.cmd('edit! ' .. file)
  vim.cmd('edit!')
end

-- The ghost text on the screen, as { line, column, text }.
local function ghost()
  local namespace = require('verifrag.draw').namespace
  local mark = vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })[1]
  if not mark then
    return nil
  end
  local lines = { mark[4].virt_text[1][1] }
  for _, line in ipairs(mark[4].virt_lines or {}) do
    table.insert(lines, line[1][1])
  end
  return { line = mark[2], column = mark[3], text = table.concat(lines, '\n') }
end

local function wait_for_ghost(text)
  wait_for('ghost text ' .. vim.inspect(text), function()
    return ghost() and ghost().text == text
  end)
end

local function line()
  return vim.api.nvim_get_current_line()
end

local function wait_for_line(text)
  wait_for('the line ' .. text, function()
    return line() == text
  end)
end

-- Opens rtl/ghost.v as it is on disk and types a blank behind its line 2: ghost text appears.
local function ghost_file()
  edit('rtl/ghost.v')
  press('2GA ')
  wait_for_ghost('a & b;')
end

local function wait_for_reference(file)
  local list = { vim.env.SERVER_PYTHON, '-m', 'trainer.references', 'list' }
  wait_for('a reference of ' .. file, function()
    return vim.fn.system(list):find(file, 1, true)
  end)
end

-- The only progress bar before a module is generated is the model's.
local model_loaded = false

local function wait_for_model()
  wait_for('the model', function()
    return model_loaded
  end)
end

local show_progress = vim.lsp.handlers['$/progress']
vim.lsp.handlers['$/progress'] = function(err, progress, ...)
  model_loaded = model_loaded or progress.value.kind == 'end'
  return show_progress(err, progress, ...)
end

local steps = {}

function steps.diagnostics()
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

function steps.completion_menu()
  vim.o.completeopt = 'menuone,noinsert'
  press('GO    deb<C-x><C-o>')
  wait_for('the completion menu', function()
    return #vim.fn.complete_info({ 'items' }).items > 0
  end)
  seen.menu = vim.tbl_map(function(item)
    return item.word
  end, vim.fn.complete_info({ 'items' }).items)
  press('<C-e>')
  normal_mode()
end

function steps.a_setting_changed_live()
  local verifrag = require('verifrag')
  edit('rtl/alarm.v')
  wait_for('diagnostics', function()
    return #vim.diagnostic.get(0) > 0
  end)
  verifrag.configure({ diagnostics = { enabled = false } })
  wait_for('no diagnostics', function()
    return #vim.diagnostic.get(0) == 0
  end)
  verifrag.configure({ diagnostics = { enabled = true } })
  wait_for('diagnostics again', function()
    return #vim.diagnostic.get(0) > 0
  end)
  seen.setting_changed = true
end

function steps.accept()
  wait_for_model()
  ghost_file()
  seen.ghost = ghost()
  press('<Tab>')
  wait_for_line('  assign y = a & b;')
  seen.cursor = vim.api.nvim_win_get_cursor(0)
  seen.left_on_screen = ghost()
  normal_mode()
  press('u')
  wait_for_line('  assign y = ')
  seen.undone = line()
end

function steps.accept_by_word()
  edit('rtl/words.v')
  press('3GA ')
  wait_for_ghost('c | d;')
  seen.words = {}
  for _, rest in ipairs({ ' | d;', ' d;', ';' }) do
    press('<M-w>')
    wait_for_ghost(rest)
    table.insert(seen.words, line())
  end
  press('<M-w>')
  wait_for_line('  assign y = c | d;')
  normal_mode()
  vim.cmd('write')
  wait_for_reference('words.v')
end

function steps.accept_a_part_only()
  edit('rtl/part.v')
  press('3GA ')
  wait_for_ghost('e ^ f;')
  press('<M-w>')
  wait_for_ghost(' ^ f;')
  press(' & 1;')
  normal_mode()
  vim.cmd('write')
  wait_for_reference('part.v')
end

function steps.accept_by_line()
  edit('rtl/block.v')
  press('4GA ')
  wait_for_ghost('begin\n    q <= d;\n  end')
  press('<M-j>')
  wait_for_ghost('\n    q <= d;\n  end')
  press('<M-j>')
  wait_for_ghost('\n  end')
  press('<M-j>')
  wait_for('the last line', function()
    return line() == '  end'
  end)
  seen.block = vim.api.nvim_buf_get_lines(0, 3, 7, false)
end

function steps.accept_in_a_file_with_dos_line_ends()
  edit('rtl/dos.v')
  press('4GA ')
  wait_for_ghost('begin\n    q <= d;\n  end')
  press('<Tab>')
  wait_for_line('  end')
  seen.dos_format = vim.bo.fileformat
  seen.dos_block = vim.api.nvim_buf_get_lines(0, 3, 7, false)
end

-- As after an editor that closes what one opens: `)` stands behind the cursor already.
function steps.accept_before_closed_pairs()
  edit('rtl/pairs.v')
  press('3G0f(a')
  wait_for_ghost('a & b);')
  press('<M-w>')
  wait_for_ghost(' & b);')
  press('<Tab>')
  wait_for('the acceptance', function()
    return line():find('b')
  end)
  seen.pairs = line()
end

function steps.cycle()
  wait_for_model()
  edit('rtl/cycle.v')
  press('3GA ')
  wait_for_ghost('a & b;')
  press('<M-n>')
  wait_for_ghost('a | b;')
  press('<M-n>')
  wait_for_ghost('a ^ b;')
  press('<M-n>')
  wait_for_ghost('a & b;')
  press('<M-n>')
  wait_for_ghost('a | b;')
  press('<Tab>')
  wait_for_line('  assign y = a | b;')
  seen.cycled = line()
  normal_mode()
  vim.cmd('write')
  wait_for_reference('cycle.v')
end

function steps.write_a_comment()
  edit('rtl/ghost.v')
  press('2GO  // a remark ')
  sleep(300)
  seen.unasked_in_a_comment = ghost()
end

function steps.typed_through()
  ghost_file()
  press('a')
  sleep(0)
  seen.after_typing_what_is_offered = ghost()
  press(' x')
  seen.after_typing_something_else = ghost() and ghost().text
end

function steps.dismissed()
  ghost_file()
  press('<C-]>')
  seen.dismissed = ghost() == nil
  sleep(200)
  seen.stays_dismissed = ghost() == nil
  seen.line_after_dismissal = line()
end

function steps.left_insert_mode()
  ghost_file()
  normal_mode()
  seen.after_leaving_insert_mode = ghost() == nil
end

function steps.status_line()
  normal_mode()
  wait_for('the model in the status line', function()
    return require('verifrag').status() == 'Verifrag: embedded'
  end)
  vim.cmd('Verifrag restart engine')
  wait_for('another word in the status line', function()
    return require('verifrag').status() ~= 'Verifrag: embedded'
  end)
  wait_for('the model in the status line again', function()
    return require('verifrag').status() == 'Verifrag: embedded'
  end)
  seen.status = require('verifrag').status()
  vim.cmd('new')
  seen.status_of_another_buffer = require('verifrag').status()
  vim.cmd('quit')
end

function steps.switched_off()
  vim.cmd('Verifrag off buffer')
  edit('rtl/ghost.v')
  press('2GA ')
  sleep(300)
  seen.while_off = ghost()
  seen.status_off = require('verifrag').status()
  normal_mode()
  vim.cmd('Verifrag on buffer')
  ghost_file()
end

function steps.keys_without_ghost_text()
  normal_mode()
  vim.cmd('enew!')
  press('ix<Tab><M-w>')
  seen.keys_without_ghost = line()
  normal_mode()
  seen.mapped_by_the_user = vim.fn.maparg('<M-p>', 'i')
end

-- Waits until another server than `before` serves the buffer, and has its model.
local function wait_for_another_server(before)
  wait_for('another server', function()
    local client = require('verifrag.compat').client(0)
    return client and client.id ~= before and client.initialized
  end)
  wait_for_model()
end

function steps.the_server_dies()
  edit('rtl/ghost.v')
  local before = require('verifrag.compat').client(0).id
  model_loaded = false
  for _, pid in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
    vim.loop.kill(pid, 'sigkill')
  end
  wait_for_another_server(before)
  ghost_file()
  seen.after_the_server_died = ghost().text
end

function steps.restarted_by_hand()
  normal_mode()
  local before = require('verifrag.compat').client(0).id
  model_loaded = false
  vim.cmd('Verifrag restart')
  wait_for_another_server(before)
  ghost_file()
  seen.after_a_restart = ghost().text
end

function steps.generate_a_module()
  edit('rtl/todo.v')
  vim.cmd('normal! G')
  local lines = vim.api.nvim_buf_line_count(0)
  vim.ui.select = function(actions, options, choose)
    seen.actions = vim.tbl_map(options.format_item, actions)
    choose(actions[1])
  end
  vim.cmd('Verifrag generate')
  wait_for('the generated module', function()
    return vim.fn.search('module from_comment', 'nw') > 0
  end)
  seen.generated = vim.api.nvim_buf_get_lines(0, -6, -1, false)
  vim.cmd('undo')
  seen.generation_undone = vim.api.nvim_buf_line_count(0) == lines
end

function steps.health()
  vim.cmd('checkhealth verifrag')
  seen.health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  vim.cmd('bwipeout!')
end

function steps.help()
  vim.cmd('helptags ' .. vim.env.HELP)
  vim.o.runtimepath = vim.fn.fnamemodify(vim.env.HELP, ':h') .. ',' .. vim.o.runtimepath
  seen.help = {}
  for _, name in ipairs({ 'verifrag', 'verifrag-options', 'verifrag-commands', ':Verifrag' }) do
    vim.cmd('help ' .. name)
    seen.help[name] = vim.fn.expand('%:t')
  end
  vim.cmd('helpclose')
end

local ORDER = {
  'diagnostics',
  'completion_menu',
  'a_setting_changed_live',
  'cycle',
  'accept',
  'accept_by_word',
  'accept_a_part_only',
  'accept_by_line',
  'accept_in_a_file_with_dos_line_ends',
  'accept_before_closed_pairs',
  'write_a_comment',
  'typed_through',
  'dismissed',
  'left_insert_mode',
  'status_line',
  'switched_off',
  'keys_without_ghost_text',
  'the_server_dies',
  'restarted_by_hand',
  'generate_a_module',
  'health',
  'help',
}

local function scenario()
  vim.o.swapfile = false
  vim.o.hidden = true
  vim.cmd('filetype on')
  vim.keymap.set('i', '<M-p>', 'mine')
  require('verifrag').setup({
    cmd = { vim.env.SERVER_PYTHON, '-m', 'lsp_server', '--stdio', '--log-file', vim.env.SERVER_LOG },
    settings = { diagnostics = { delay = 10 } },
    delay = 10,
    keys = { accept = '<Tab>' },
  })
  for _, name in ipairs(ORDER) do
    seen.step = name
    io.stderr:write(name, '\n') -- for whoever wonders where it hangs
    steps[name]()
  end
end

coroutine.wrap(function()
  local good, problem = xpcall(scenario, debug.traceback)
  if not good then
    local at = ('in %s, at the line %q with the ghost text %s'):format(
      seen.step,
      line(),
      vim.inspect(ghost())
    )
    seen.problem = at .. ': ' .. problem
  end
  vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.OBSERVED)
  vim.cmd('qall!')
end)()
