-- What differs between Neovim 0.7 and 0.12, and nothing else.

local M = {
  has_builtin_ghost = vim.lsp.inline_completion ~= nil, -- 0.12
  has_inline_text = vim.fn.has('nvim-0.10') == 1, -- extmarks that push the text behind them aside
}

local has_client_methods = vim.fn.has('nvim-0.11') == 1

-- Calls a function of a client: a method since 0.11.
function M.call(client, name, ...)
  if has_client_methods then
    return client[name](client, ...)
  end
  return client[name](...)
end

-- Verifrag's client for `buf`, or nil.
function M.client(buf)
  local clients = vim.lsp.get_clients and vim.lsp.get_clients({ bufnr = buf })
    or vim.lsp.buf_get_clients(buf)
  for _, client in pairs(clients) do
    if client.name == 'verifrag' then
      return client
    end
  end
end

-- The byte that a position's `character` means in `line`, from 0.
function M.byte_column(line, character, encoding)
  if encoding == 'utf-8' then
    return math.min(character, #line)
  end
  if has_client_methods then
    return vim.str_byteindex(line, encoding, character, false)
  end
  local length32, length16 = vim.str_utfindex(line)
  local wide = encoding == 'utf-16'
  return vim.str_byteindex(line, math.min(character, wide and length16 or length32), wide)
end

function M.utf16_length(text)
  if has_client_methods then
    return vim.str_utfindex(text, 'utf-16')
  end
  local _, length = vim.str_utfindex(text)
  return length
end

-- Lets the user choose among the code actions of one kind.
function M.code_actions(kind)
  local context = { only = { kind } }
  vim.lsp.buf.code_action(vim.fn.has('nvim-0.8') == 1 and { context = context } or context)
end

-- The functions of :checkhealth, which lost their prefix in 0.10.
function M.health()
  local health = vim.health or require('health')
  local found = {}
  for _, name in ipairs({ 'start', 'ok', 'warn', 'error', 'info' }) do
    found[name] = health[name] or health['report_' .. name]
  end
  return found
end

return M
