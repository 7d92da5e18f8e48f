-- :checkhealth verifrag

local compat = require('verifrag.compat')

local M = {}

local function check_neovim(report)
  if vim.fn.has('nvim-0.7') == 0 then
    report.error('Neovim 0.7 or newer is needed')
  elseif compat.has_builtin_ghost then
    report.ok('Neovim draws ghost text itself (vim.lsp.inline_completion)')
  else
    report.ok('this plugin draws ghost text (Neovim 0.12 and newer do it themselves)')
  end
end

-- What a command prints and whether it succeeded.
local function output(command)
  local text = vim.trim(vim.fn.system(command))
  return text, vim.v.shell_error == 0
end

local function check_server(report, cmd)
  if vim.fn.executable(cmd[1]) == 0 then
    report.error('cannot run ' .. cmd[1], {
      "install the server: pip install '/path/to/verifrag[engine]' (Python 3.11 or newer)",
      "or say where it is: require('verifrag').setup({ cmd = { '/path/to/verifrag', '--stdio' } })",
    })
    return
  end
  local program = require('verifrag.commands').program()
  local version, works = output(vim.list_extend(vim.deepcopy(program), { '--version' }))
  if not works then
    report.error(table.concat(cmd, ' ') .. ' does not start: ' .. version)
    return
  end
  report.ok(version)
  report.info('`:Verifrag doctor` looks at Python, the model, Icarus Verilog and this machine')
end

local function check_clients(report)
  local clients = require('verifrag.server').clients()
  if #clients == 0 then
    report.info('no server runs yet: it starts with the first Verilog buffer')
  end
  for _, client in ipairs(clients) do
    report.ok(('running for %s'):format(client.config.root_dir))
  end
  report.info('log: ' .. require('vim.lsp.log').get_filename())
end

function M.check()
  local report = compat.health()
  report.start('verifrag')
  check_neovim(report)
  local config = require('verifrag.server').config()
  if not config then
    report.error('it is not set up', { "call require('verifrag').setup() in init.lua" })
    return
  end
  check_server(report, config.cmd)
  if vim.fn.executable('iverilog') == 1 then
    report.ok((output({ 'iverilog', '-V' }):match('[^\n]*')))
  else
    report.warn('iverilog is not on the PATH: no diagnostics', {
      'install Icarus Verilog, or set `settings = { iverilog = { path = ... } }`',
    })
  end
  check_clients(report)
end

return M
