-- :Verifrag {what}. Each entry is one thing it can do; :help verifrag-commands says what.

local compat = require('verifrag.compat')
local server = require('verifrag.server')

local M = {}

local GENERATE = 'refactor.rewrite' -- the kind of the server's code actions that write Verilog

-- The server's command line without its options: what `doctor` and `--version` go behind.
function M.program()
  local program = {}
  for _, word in ipairs(server.config().cmd) do
    if vim.startswith(word, '--') then
      break
    end
    table.insert(program, word)
  end
  return program
end

local function set_ghost(on)
  return function(where)
    local scope = where == 'buffer' and vim.b or vim.g
    scope.verifrag_off = not on
    require('verifrag').refresh()
  end
end

M.all = {
  on = set_ghost(true),
  off = set_ghost(false),
  restart = function(what)
    if what == 'engine' then
      server.restart_engine()
    else
      server.restart()
    end
  end,
  stop = server.stop,
  generate = function()
    compat.code_actions(GENERATE)
  end,
  status = function()
    local running = compat.client(vim.api.nvim_get_current_buf()) ~= nil
    vim.notify(running and require('verifrag').status() or 'Verifrag: no server for this buffer')
  end,
  log = function()
    vim.cmd('tabedit ' .. vim.fn.fnameescape(require('vim.lsp.log').get_filename()))
    vim.cmd('normal! G')
  end,
  doctor = function()
    local program = M.program()
    table.insert(program, 'doctor')
    vim.cmd('botright new')
    vim.fn.termopen(program)
  end,
}

local function run(given)
  local what = M.all[given.fargs[1]]
  if what then
    what(given.fargs[2])
  else
    local names = table.concat(M.complete(''), ', ')
    vim.notify('Verifrag: expected one of ' .. names, vim.log.levels.ERROR)
  end
end

-- The names that begin with `lead`, sorted.
function M.complete(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(M.all))
  table.sort(names)
  return names
end

function M.setup()
  vim.api.nvim_create_user_command('Verifrag', run, {
    nargs = '+',
    complete = M.complete,
    desc = 'Verifrag: ' .. table.concat(M.complete(''), ', '),
  })
end

return M
