-- Draws ghost text at the cursor with one extmark.

local compat = require('verifrag.compat')

local M = { namespace = vim.api.nvim_create_namespace('verifrag') }

local GHOST, HINT = 'VerifragGhost', 'VerifragGhostHint'
vim.api.nvim_set_hl(0, GHOST, { link = 'Comment', default = true })
vim.api.nvim_set_hl(0, HINT, { link = 'NonText', default = true })

local function width(chunks)
  local total = 0
  for _, part in ipairs(chunks) do
    total = total + vim.fn.strdisplaywidth(part[1])
  end
  return total
end

-- Shows `text` at the cursor, where it takes the place of `replaced` bytes; `hint` (or nil) behind it.
function M.show(text, replaced, hint)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local tail = vim.api.nvim_get_current_line():sub(column + 1)
  local lines = {}
  for _, line in ipairs(vim.split(text, '\n', { plain = true })) do
    table.insert(lines, { { (line:gsub('\t', string.rep(' ', vim.bo.tabstop))), GHOST } })
  end
  local last = lines[#lines]
  if hint then
    table.insert(last, { hint, HINT })
  end
  local aside = compat.has_inline_text and #lines == 1 and replaced == 0
  if not aside then
    -- The text behind the cursor is covered, and drawn again where it would come to stand.
    table.insert(last, { tail:sub(replaced + 1), 'Normal' })
    local uncovered = vim.fn.strdisplaywidth(tail) - width(lines[1])
    table.insert(lines[1], { string.rep(' ', math.max(0, uncovered)), 'Normal' })
  end
  M.hide(0)
  vim.api.nvim_buf_set_extmark(0, M.namespace, row - 1, column, {
    virt_text = lines[1],
    virt_text_pos = aside and 'inline' or 'overlay',
    virt_lines = #lines > 1 and vim.list_slice(lines, 2) or nil,
  })
end

function M.hide(buf)
  if vim.api.nvim_buf_is_valid(buf) then
    vim.api.nvim_buf_clear_namespace(buf, M.namespace, 0, -1)
  end
end

return M
