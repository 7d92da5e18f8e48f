-- Ghost text by vim.lsp.inline_completion, which Neovim has since 0.12: it asks, draws and cycles. How an
-- answer is inserted is ours, for it knows no words, no lines, and nothing of text typed meanwhile.
-- Has the same functions as verifrag/ghost.lua.

local offers = require('verifrag.offer')

local M = {}

local attached = {} -- buffer -> true

local function follow(buf)
  local wanted = not (vim.g.verifrag_off or vim.b[buf].verifrag_off)
  vim.lsp.inline_completion.enable(wanted, { bufnr = buf })
end

-- Inserts a part of the ghost text ('all', 'word' or 'line'); says whether there was any.
function M.accept(part)
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      local client = vim.lsp.get_client_by_id(item.client_id)
      local offer = offers.new(client, {
        insertText = item.insert_text,
        range = item.range and item.range:to_lsp(client.offset_encoding),
        command = item.command,
      })
      if offer then
        offers.insert(offer, part)
      end
    end,
  })
end

-- Shows the candidate `step` further on.
function M.cycle(step)
  vim.lsp.inline_completion.select({ count = step })
end

-- Takes the ghost text off the screen; says whether there was any.
function M.dismiss()
  return vim.lsp.inline_completion.get({ on_accept = function() end })
end

-- Shows ghost text in `buf` while typing. Neovim has a delay of its own.
function M.attach(buf)
  attached[buf] = true
  follow(buf)
end

-- Follows vim.g.verifrag_off and vim.b.verifrag_off.
function M.refresh()
  for buf in pairs(attached) do
    if vim.api.nvim_buf_is_valid(buf) then
      follow(buf)
    else
      attached[buf] = nil
    end
  end
end

return M
