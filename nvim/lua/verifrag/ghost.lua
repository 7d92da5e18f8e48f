-- Ghost text for Neovim versions without vim.lsp.inline_completion: what textDocument/inlineCompletion
-- offers is drawn behind the cursor with an extmark. One request at a time; one that the text or the
-- cursor has left behind is cancelled.

local M = { namespace = vim.api.nvim_create_namespace('verifrag') }

local HIGHLIGHT = 'VerifragGhost'
vim.api.nvim_set_hl(0, HIGHLIGHT, { link = 'Comment', default = true })

local shown -- { buf, client, item }: the ghost text on the screen
local asked -- { client, id }: the request under way
local place -- where the cursor was when the last request was planned

-- Neovim 0.11 made methods of the client's functions.
local function call(client, name, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

local function current_place()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local buf = vim.api.nvim_get_current_buf()
  return { buf, vim.api.nvim_buf_get_changedtick(buf), row, column }
end

local function draw(lines)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local mark = { virt_text = { { lines[1], HIGHLIGHT } }, virt_text_pos = 'inline' }
  if vim.fn.has('nvim-0.10') == 0 then
    -- No inline text yet: write over the rest of the line, and that rest behind it.
    local rest = vim.api.nvim_get_current_line():sub(column + 1)
    mark.virt_text[2] = { rest, 'Normal' }
    mark.virt_text_pos = 'overlay'
  end
  if #lines > 1 then
    mark.virt_lines = vim.tbl_map(function(line)
      local tab = string.rep(' ', vim.bo.tabstop)
      return { { (line:gsub('\t', tab)), HIGHLIGHT } }
    end, vim.list_slice(lines, 2))
  end
  vim.api.nvim_buf_set_extmark(0, M.namespace, row - 1, column, mark)
end

-- Takes the ghost text away and cancels the request under way.
function M.clear()
  place = nil
  if asked then
    call(asked.client, 'cancel_request', asked.id)
    asked = nil
  end
  if shown then
    if vim.api.nvim_buf_is_valid(shown.buf) then
      vim.api.nvim_buf_clear_namespace(shown.buf, M.namespace, 0, -1)
    end
    shown = nil
  end
end

local function request(client)
  local buf = vim.api.nvim_get_current_buf()
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = 2 } -- automatic
  local asked_at = place
  local _, id = call(client, 'request', 'textDocument/inlineCompletion', params, function(_, result)
    if place ~= asked_at then
      return
    end
    asked = nil
    local item = result and (result.items or result)[1]
    if not item or vim.fn.mode() ~= 'i' or vim.fn.pumvisible() == 1 then
      return
    end
    draw(vim.split(item.insertText, '\n', { plain = true }))
    shown = { buf = buf, client = client, item = item }
  end, buf)
  asked = id and { client = client, id = id }
end

local function plan(client_id, delay)
  local now = current_place()
  if place and vim.deep_equal(now, place) then
    return
  end
  M.clear()
  place = now
  vim.defer_fn(function()
    local client = vim.lsp.get_client_by_id(client_id)
    -- The same table, not an equal one: nothing else has been planned or cleared since.
    if place == now and client and client.initialized and vim.fn.pumvisible() == 0 then
      request(client)
    end
  end, delay)
end

-- Inserts the ghost text and runs its command, which tells the server; says whether there was any.
function M.accept()
  if not shown then
    return false
  end
  local taken = shown
  M.clear()
  -- The server's range is always empty and at the cursor.
  local lines = vim.split(taken.item.insertText, '\n', { plain = true })
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  vim.api.nvim_buf_set_text(taken.buf, row - 1, column, row - 1, column, lines)
  local start = #lines == 1 and column or 0
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, start + #lines[#lines] })
  local command = taken.item.command
  if command then
    local params = { command = command.command, arguments = command.arguments }
    call(taken.client, 'request', 'workspace/executeCommand', params, function(err)
      if err then
        vim.notify('Verifrag: ' .. err.message, vim.log.levels.WARN)
      end
    end, taken.buf)
  end
  return true
end

-- Shows ghost text in `buf` while typing, `delay` milliseconds after the last key.
function M.attach(buf, client_id, delay)
  local group = vim.api.nvim_create_augroup('verifrag_ghost_' .. buf, { clear = true })
  vim.api.nvim_create_autocmd({ 'TextChangedI', 'CursorMovedI', 'InsertEnter' }, {
    group = group,
    buffer = buf,
    callback = function()
      plan(client_id, delay)
    end,
  })
  vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave', 'CompleteChanged' }, {
    group = group,
    buffer = buf,
    callback = M.clear,
  })
end

return M
