-- Starts the server, one a root folder, attaches buffers to it, and starts it again when it dies.

local compat = require('verifrag.compat')
local state = require('verifrag.state')

local M = {}

local CRASHES, WITHIN = 5, 180 -- so many within so many seconds, and we leave it at that
local PATIENCE = 50 -- tenths of a second that a server has to stop by itself
local SIGTERM = 15

local base -- the configuration of lsp/verifrag.lua with the user's options over it
local attached -- function(buf): called when a buffer has its server
local roots = {} -- root folder -> { id = client, buffers = { [buf] = true } }
local crashes = {} -- the seconds at which a server died

local function find_root(file, markers)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  local here, above = nil, folder
  while here ~= above do
    here = above
    for _, marker in ipairs(markers) do
      if vim.loop.fs_stat(here .. '/' .. marker) then
        return here
      end
    end
    above = vim.fn.fnamemodify(here, ':h')
  end
  return folder
end

local function as_section(settings)
  -- A plain {} would be sent as a list.
  return { verifrag = vim.tbl_isempty(settings) and vim.empty_dict() or settings }
end

local function crashed(root, how)
  local now = vim.loop.now() / 1000
  crashes = vim.tbl_filter(function(time)
    return now - time < WITHIN
  end, crashes)
  table.insert(crashes, now)
  if #crashes >= CRASHES then
    local advice = 'see :Verifrag log and :checkhealth verifrag, then :Verifrag restart'
    vim.notify(('Verifrag: the server stopped %s; %s'):format(how, advice), vim.log.levels.ERROR)
    return
  end
  vim.defer_fn(function()
    M.reattach(root)
  end, 250 * 2 ^ #crashes)
end

local function on_exit(root)
  return function(code, signal)
    vim.schedule(function()
      state.forget()
      local wanted = code == 0 and (signal == 0 or signal == SIGTERM)
      if not wanted and vim.v.exiting == vim.NIL then
        crashed(root, signal ~= 0 and 'with signal ' .. signal or 'with exit code ' .. code)
      end
    end)
  end
end

local function start(root, buf)
  local config = vim.tbl_extend('force', base, { root_dir = root, on_exit = on_exit(root) })
  if vim.lsp.start then -- 0.8
    return vim.lsp.start(config, { bufnr = buf })
  end
  local id = roots[root] and roots[root].id
  if not vim.lsp.get_client_by_id(id or -1) then
    id = vim.lsp.start_client(config)
  end
  if id then
    vim.lsp.buf_attach_client(buf, id)
  end
  return id
end

-- Gives `buf` its server, starting it where none runs for its folder yet.
function M.attach(buf)
  if vim.fn.executable(base.cmd[1]) == 0 then
    local advice = "pip install '/path/to/verifrag[engine]', or set `cmd`; see :help verifrag-install"
    vim.notify_once(('Verifrag: cannot run %s: %s'):format(base.cmd[1], advice), vim.log.levels.ERROR)
    return
  end
  local root = find_root(vim.api.nvim_buf_get_name(buf), base.root_markers)
  local id = start(root, buf)
  if id then
    roots[root] = roots[root] or { buffers = {} }
    roots[root].id = id
    roots[root].buffers[buf] = true
    vim.bo[buf].omnifunc = 'v:lua.vim.lsp.omnifunc' -- Neovim's own default since 0.8
    attached(buf)
  end
end

-- Gives the buffers of `root` a server again.
function M.reattach(root)
  for buf in pairs(roots[root].buffers) do
    if vim.api.nvim_buf_is_loaded(buf) then
      M.attach(buf)
    else
      roots[root].buffers[buf] = nil
    end
  end
end

-- Every running client.
function M.clients()
  local found = {}
  for _, root in pairs(roots) do
    table.insert(found, vim.lsp.get_client_by_id(root.id))
  end
  return found
end

-- Stops every server.
function M.stop()
  for _, client in ipairs(M.clients()) do
    compat.call(client, 'stop')
  end
end

-- Stops every server and, once they are gone, starts them again.
function M.restart()
  crashes = {}
  M.stop()
  local polls = 0
  local function once_gone()
    polls = polls + 1
    if #M.clients() == 0 then
      for root in pairs(roots) do
        M.reattach(root)
      end
      return
    end
    if polls == PATIENCE then
      for _, client in ipairs(M.clients()) do
        compat.call(client, 'stop', true)
      end
    end
    vim.defer_fn(once_gone, 100)
  end
  once_gone()
end

-- Ends the engine process, which all windows share, and starts it anew.
function M.restart_engine()
  local client = M.clients()[1]
  if client then
    local params = { command = 'verifrag.restartEngine', arguments = {} }
    compat.call(client, 'request', 'workspace/executeCommand', params, function() end)
  end
end

-- Changes settings of the running servers and of those started later.
function M.configure(settings)
  local merged = vim.tbl_deep_extend('force', base.settings.verifrag, settings)
  base.settings = as_section(merged)
  base.init_options = base.settings.verifrag
  for _, client in ipairs(M.clients()) do
    client.config.settings = base.settings
    client.settings = base.settings -- where 0.10 and later look
    compat.call(client, 'notify', 'workspace/didChangeConfiguration', { settings = base.settings })
  end
end

-- Takes the options; `on_attach` is called with each buffer that has got its server.
function M.setup(options, on_attach)
  attached = on_attach
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  capabilities.experimental = { verifragState = true }
  local shipped = dofile(vim.api.nvim_get_runtime_file('lsp/verifrag.lua', false)[1])
  local settings = as_section(options.settings)
  base = vim.tbl_extend('force', shipped, {
    name = 'verifrag',
    cmd = options.cmd,
    capabilities = capabilities,
    init_options = settings.verifrag,
    settings = settings,
    handlers = { ['verifrag/state'] = state.handler },
  })
  return base
end

-- The configuration that servers are started with; nil before setup.
function M.config()
  return base
end

return M
