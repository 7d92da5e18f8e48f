-- Starts Verifrag for Verilog buffers and shows its ghost text. Neovim 0.7 or newer.
--
--   require('verifrag').setup({
--     cmd = { 'verifrag', '--stdio' },  -- how to start the server
--     settings = {},                    -- the section `verifrag`, as { iverilog = { path = '...' } }
--     accept_key = '<M-l>',             -- insert mode: take the ghost text
--     delay = 75,                       -- milliseconds without typing before ghost text is asked for
--   })

local ghost = require('verifrag.ghost')

local M = {}

local function default_config()
  return dofile(vim.api.nvim_get_runtime_file('lsp/verifrag.lua', false)[1])
end

local function find_root(file, markers)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  local here = folder
  while true do
    for _, marker in ipairs(markers) do
      if vim.loop.fs_stat(here .. '/' .. marker) then
        return here
      end
    end
    local parent = vim.fn.fnamemodify(here, ':h')
    if parent == here then
      return folder
    end
    here = parent
  end
end

local clients = {} -- root folder -> client id, for versions without vim.lsp.start

local function start(config, buf)
  if vim.lsp.start then
    return vim.lsp.start(config, { bufnr = buf })
  end
  local root = config.root_dir
  if not vim.lsp.get_client_by_id(clients[root] or -1) then
    clients[root] = vim.lsp.start_client(config)
  end
  if clients[root] then
    vim.lsp.buf_attach_client(buf, clients[root])
  end
  return clients[root]
end

local function attach(options, config, buf)
  local root = find_root(vim.api.nvim_buf_get_name(buf), config.root_markers)
  local id = start(vim.tbl_extend('force', config, { root_dir = root }), buf)
  if not id then
    return
  end
  vim.bo[buf].omnifunc = 'v:lua.vim.lsp.omnifunc'
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(true, { bufnr = buf })
  else
    ghost.attach(buf, id, options.delay)
  end
end

-- Takes the ghost text; says whether there was any.
function M.accept()
  if vim.lsp.inline_completion then
    return vim.lsp.inline_completion.get()
  end
  return ghost.accept()
end

function M.setup(options)
  local config = default_config()
  options = vim.tbl_extend('force', {
    cmd = config.cmd,
    settings = config.settings.verifrag,
    accept_key = '<M-l>',
    delay = 75,
  }, options or {})
  if vim.tbl_isempty(options.settings) then
    options.settings = vim.empty_dict() -- a plain {} would be sent as a list
  end

  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  config = vim.tbl_extend('force', config, {
    name = 'verifrag',
    cmd = options.cmd,
    capabilities = capabilities,
    init_options = options.settings,
    settings = { verifrag = options.settings },
  })

  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('verifrag', { clear = true }),
    pattern = config.filetypes,
    callback = function(event)
      attach(options, config, event.buf)
    end,
  })
  local key = vim.api.nvim_replace_termcodes(options.accept_key, true, false, true)
  vim.keymap.set('i', options.accept_key, function()
    if not M.accept() then
      vim.api.nvim_feedkeys(key, 'n', false)
    end
  end, { desc = 'Verifrag: take the ghost text' })
end

return M
