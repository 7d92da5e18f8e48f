-- Verifrag for Neovim 0.7 and newer: starts the server for Verilog buffers and shows its ghost text.
-- `:help verifrag` describes it; what stands here is what a user may call.

local M = {}

-- Drawn by Neovim itself where it can (0.12), else by us.
local function ghost()
  local builtin = require('verifrag.compat').has_builtin_ghost
  return require(builtin and 'verifrag.builtin' or 'verifrag.ghost')
end

-- Takes the ghost text, or the next 'word' or 'line' of it; says whether there was any.
function M.accept(part)
  return ghost().accept(part or 'all')
end

-- Shows the next candidate (-1: the previous one). Where there is no ghost text, asks for it.
function M.cycle(step)
  ghost().cycle(step or 1)
end

-- Takes ghost text off the screen; says whether there was any.
function M.dismiss()
  return ghost().dismiss()
end

-- Follows vim.g.verifrag_off and vim.b.verifrag_off after they were changed.
function M.refresh()
  ghost().refresh()
end

-- A few words on the server for a status line; empty in buffers that have none.
function M.status()
  local client = require('verifrag.compat').client(vim.api.nvim_get_current_buf())
  return client and require('verifrag.state').describe() or ''
end

-- Changes settings of the server while it runs, as { completion = { maxTokens = 32 } }.
function M.configure(settings)
  require('verifrag.server').configure(settings)
end

local function map(key, does, description)
  local plain = vim.api.nvim_replace_termcodes(key, true, false, true)
  vim.keymap.set('i', key, function()
    if does() == false then
      vim.api.nvim_feedkeys(plain, 'nt', false) -- no ghost text: what the key does anyway
    end
  end, { desc = 'Verifrag: ' .. description })
end

local function part(name)
  return function()
    return M.accept(name)
  end
end

local function turn(step)
  return function()
    M.cycle(step)
  end
end

local ACTIONS = {
  accept = { part('all'), 'take the ghost text' },
  accept_word = { part('word'), 'take a word of the ghost text' },
  accept_line = { part('line'), 'take a line of the ghost text' },
  next = { turn(1), 'next ghost text, or ask for one' },
  previous = { turn(-1), 'previous ghost text' },
  dismiss = { M.dismiss, 'dismiss the ghost text' },
}

-- Sets everything up. Options: `:help verifrag-options`.
function M.setup(given)
  local defaults = require('verifrag.options').defaults
  local options = require('verifrag.options').resolve(given)
  local config = require('verifrag.server').setup(options, function(buf)
    ghost().attach(buf, options.delay)
  end)
  require('verifrag.commands').setup()
  for name, key in pairs(options.keys) do
    local asked_for = key ~= defaults.keys[name]
    if key and (asked_for or vim.fn.maparg(key, 'i') == '') then -- a default never takes a key away
      map(key, ACTIONS[name][1], ACTIONS[name][2])
    end
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('verifrag', { clear = true }),
    pattern = config.filetypes,
    callback = function(event)
      require('verifrag.server').attach(event.buf)
    end,
  })
end

return M
