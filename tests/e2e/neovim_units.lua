-- Parts of the plugin without a server. For vim.lsp.inline_completion, which no Neovim of the tests has,
-- there is a stand-in with the functions that Neovim 0.12 documents (enable, get with on_accept, select);
-- it shows one item of a fake client.

local seen = { enabled = {}, told = {} }

local client = {
  id = 7,
  offset_encoding = 'utf-8',
  request = function(self, method, params)
    if type(self) == 'string' then -- before 0.11 clients have functions, not methods
      method, params = self, method
    end
    table.insert(seen.told, { method, params.command, params.arguments })
  end,
}
vim.lsp.get_client_by_id = function()
  return client
end

local shown -- the item on the screen

vim.lsp.inline_completion = {
  enable = function(on, filter)
    table.insert(seen.enabled, { on, filter.bufnr })
  end,
  get = function(options)
    if not shown then
      return false
    end
    vim.schedule(function()
      local item = shown
      shown = nil
      options.on_accept(item)
    end)
    return true
  end,
  select = function(options)
    seen.selected = options.count
  end,
}

local function show(text, first, last)
  local range = {
    start = { line = 0, character = first },
    ['end'] = { line = 0, character = last },
  }
  shown = {
    insert_text = text,
    client_id = client.id,
    command = { command = 'verifrag.accept', arguments = { 'offer-1' } },
    range = {
      to_lsp = function()
        return range
      end,
    },
  }
end

local function line_after(part)
  local accepted = require('verifrag').accept(part)
  vim.wait(1000, function()
    return shown == nil
  end)
  return { accepted, table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n') }
end

local function at_the_end_of(text, column)
  vim.api.nvim_buf_set_lines(0, 0, -1, true, { text })
  vim.api.nvim_win_set_cursor(0, { 1, column or #text })
end

vim.o.virtualedit = 'onemore' -- the cursor may stand behind the last letter, as in insert mode
local verifrag = require('verifrag')
require('verifrag.builtin').attach(vim.api.nvim_get_current_buf())
vim.b.verifrag_off = true
verifrag.refresh()

at_the_end_of('assign y = ')
seen.nothing = line_after('all')

show('a & b;', 11, 11)
seen.all = line_after('all')

at_the_end_of('assign y = ')
show('a & b;', 11, 11)
seen.word = line_after('word')

at_the_end_of('assign y = ()', 12)
show('a);', 12, 13)
seen.pairs = line_after('all')

at_the_end_of('assign y = a &')
show('a & b;', 11, 11)
seen.typed_meanwhile = line_after('all')

at_the_end_of('assign y = x')
show('a & b;', 11, 11)
seen.typed_something_else = line_after('all')

at_the_end_of('assign y = ')
show('a & b;', 11, 11)
seen.dismissed = verifrag.dismiss()
vim.wait(1000, function()
  return shown == nil
end)
seen.line_after_dismissal = vim.api.nvim_get_current_line()

verifrag.cycle(-1)

-- Options that are wrong are told, and the default is used.
seen.complaints = {}
vim.notify = function(message)
  table.insert(seen.complaints, message)
end
local resolve = require('verifrag.options').resolve
seen.options = resolve({ delay = 'soon', colour = 'red', keys = { accept = false, jump = '<Tab>' } })
seen.no_keys = vim.tbl_count(resolve({ keys = false }).keys)
seen.untouched = resolve({}).keys.accept

vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.OBSERVED)
vim.cmd('qall!')
