-- One answer of the server at one place of one buffer: what of it is left to insert, and inserting it.
--
-- The answer belongs between a fixed start and the cursor. While the text in between is how the answer
-- begins, and nothing behind the cursor has changed, the rest of it stands: whoever types what is
-- offered, or accepts a word of it, keeps the offer.

local compat = require('verifrag.compat')

local M = {}

local ACCEPT_PART = 'verifrag.acceptPart' -- the id of the offer, and how much so far, in UTF-16 units

local function cursor()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  return row - 1, column
end

local function line_at(buf, row)
  return vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
end

-- The offer that `item` (an LSP InlineCompletionItem) makes at the cursor of the current buffer, or nil
-- where it belongs elsewhere.
function M.new(client, item)
  local buf = vim.api.nvim_get_current_buf()
  local row, column = cursor()
  local line = line_at(buf, row)
  local offer = {
    buf = buf,
    client = client,
    text = item.insertText:gsub('\r\n', '\n'),
    line_end = item.insertText:find('\r\n') and '\r\n' or '\n',
    command = item.command,
    row = row,
    column = column,
    replaced = 0, -- bytes behind the cursor that the answer takes the place of
    tail = line:sub(column + 1),
  }
  local range = item.range
  if range then
    if range['end'].line ~= row then
      return nil
    end
    local first = line_at(buf, range.start.line)
    offer.row = range.start.line
    offer.column = compat.byte_column(first, range.start.character, client.offset_encoding)
    local stop = compat.byte_column(line, range['end'].character, client.offset_encoding)
    offer.replaced = math.max(0, stop - column)
  end
  local rest = M.rest(offer)
  return rest and rest ~= '' and offer or nil
end

-- What is left to insert at the cursor; nil when the text or the cursor has left the offer behind.
function M.rest(offer)
  local row, column = cursor()
  local before = row < offer.row or (row == offer.row and column < offer.column)
  if before or vim.api.nvim_get_current_buf() ~= offer.buf then
    return nil
  end
  if line_at(offer.buf, row):sub(column + 1) ~= offer.tail then
    return nil
  end
  local lines = vim.api.nvim_buf_get_text(offer.buf, offer.row, offer.column, row, column, {})
  local typed = table.concat(lines, '\n')
  return vim.startswith(offer.text, typed) and offer.text:sub(#typed + 1) or nil
end

-- The ways to cut a text: how much of it one acceptance takes.
M.parts = {
  all = function(text)
    return text
  end,
  word = function(text)
    return text:match('^%s*[%w_]+') or text:match('^%s*[^%s%w_]+') or text
  end,
  line = function(text)
    return text:match('^\n*[^\n]*')
  end,
}

local function tell_server(offer, command, arguments)
  local params = { command = command, arguments = arguments }
  compat.call(offer.client, 'request', 'workspace/executeCommand', params, function(err)
    if err then
      vim.notify('Verifrag: ' .. err.message, vim.log.levels.WARN)
    end
  end, offer.buf)
end

-- Tells the server that all of the offer but `left` has been accepted.
local function report(offer, left)
  local command = offer.command
  if left == '' then
    tell_server(offer, command.command, command.arguments)
  else
    local accepted = offer.text:sub(1, #offer.text - #left):gsub('\n', offer.line_end)
    local id = command.arguments[1]
    tell_server(offer, ACCEPT_PART, { id, compat.utf16_length(accepted) })
  end
end

-- Inserts one of `parts` of what is left, as an undo step of its own, and tells the server.
function M.insert(offer, part)
  local rest = M.rest(offer)
  if not rest then
    return
  end
  local piece = M.parts[part](rest)
  local whole = piece == rest
  local row, column = cursor()
  local lines = vim.split(piece, '\n', { plain = true })
  vim.cmd('let &g:undolevels = &g:undolevels') -- ends the undo step of the typing before
  local stop = whole and column + offer.replaced or column
  vim.api.nvim_buf_set_text(offer.buf, row, column, row, stop, lines)
  local start = #lines == 1 and column or 0
  vim.api.nvim_win_set_cursor(0, { row + #lines, start + #lines[#lines] })
  report(offer, rest:sub(#piece + 1))
end

return M
