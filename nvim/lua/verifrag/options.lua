-- The options of setup(): names, defaults, and what becomes of wrong ones.

local M = {}

M.defaults = {
  cmd = { 'verifrag', '--stdio' }, -- how to start the server
  settings = {}, -- the server's settings, as { iverilog = { includePath = { 'include' } } }
  delay = 10, -- milliseconds without typing before ghost text is asked for (before Neovim 0.12)
  keys = { -- insert mode; false for none, `keys = false` for none at all
    accept = '<M-l>',
    accept_word = '<M-w>',
    accept_line = '<M-j>',
    next = '<M-n>',
    previous = '<M-p>',
    dismiss = '<C-]>',
  },
}

local function complain(message)
  vim.notify('Verifrag: ' .. message .. '; see :help verifrag-options', vim.log.levels.ERROR)
end

-- Takes from `given` what fits into `into`; tells of the rest.
local function take(given, into, where)
  for name, value in pairs(given) do
    local default = into[name]
    if default == nil then
      complain(('there is no option %s%s'):format(where, name))
    elseif type(value) == type(default) or (where == 'keys.' and value == false) then
      into[name] = value
    else
      complain(('%s%s must be a %s'):format(where, name, type(default)))
    end
  end
end

-- All options: the defaults with `given` over them.
function M.resolve(given)
  given = vim.deepcopy(given or {})
  local options = vim.deepcopy(M.defaults)
  local keys = given.keys
  given.keys = nil
  take(given, options, '')
  if keys == false then
    options.keys = {}
  elseif type(keys) == 'table' then
    take(keys, options.keys, 'keys.')
  elseif keys ~= nil then
    complain('keys must be a table, or false for no keys')
  end
  return options
end

return M
