-- Ghost text for Neovim versions without vim.lsp.inline_completion: asks for it once the keys rest and
-- draws what comes. One request at a time; one that the text or the cursor has left behind is cancelled.
-- Has the same functions as verifrag/builtin.lua.

local compat = require('verifrag.compat')
local draw = require('verifrag.draw')
local offers = require('verifrag.offer')

local M = {}

local AUTOMATIC, INVOKED = 2, 1 -- InlineCompletionTriggerKind

local shown -- { offers, index }: the answer whose offer `index` is on the screen
local asked -- { client, id }: the request under way
local place -- where the cursor was when the last request was planned

local function current_place()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local buf = vim.api.nvim_get_current_buf()
  return { buf, vim.api.nvim_buf_get_changedtick(buf), row, column }
end

local function clear()
  place = nil
  if asked then
    compat.call(asked.client, 'cancel_request', asked.id)
    asked = nil
  end
  if shown then
    draw.hide(shown.offers[1].buf)
    shown = nil
  end
end

-- Draws what is left of the offer on the screen; false where there is none or it no longer fits.
local function redraw(hint)
  local offer = shown and shown.offers[shown.index]
  local rest = offer and offers.rest(offer)
  if not rest or rest == '' then
    return false
  end
  draw.show(rest, offer.replaced, hint)
  return true
end

-- Shows the offers of an answer; false where it has none.
local function show(client, answer)
  local found = {}
  for _, item in ipairs(answer and (answer.items or answer) or {}) do
    table.insert(found, offers.new(client, item))
  end
  if #found == 0 then
    return false
  end
  shown = { offers = found, index = 1 }
  return redraw()
end

local function request(kind, answered)
  local buf = vim.api.nvim_get_current_buf()
  local client = compat.client(buf)
  if not (client and client.initialized) then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local asked_at = place
  local sent, id = compat.call(client, 'request', 'textDocument/inlineCompletion', params, function(_, answer)
    if place ~= asked_at then -- the same table, not an equal one: nothing was planned or cleared since
      return
    end
    asked = nil
    local still_here = vim.deep_equal(current_place(), asked_at)
    if still_here and vim.fn.mode() == 'i' and vim.fn.pumvisible() == 0 then
      answered(client, answer)
    end
  end, buf)
  asked = sent and { client = client, id = id }
end

local function update(delay)
  local now = current_place()
  if place and vim.deep_equal(now, place) then
    return
  end
  if redraw() then
    place = now
    return
  end
  clear()
  if vim.g.verifrag_off or vim.b.verifrag_off then
    return
  end
  place = now
  vim.defer_fn(function()
    if place == now and vim.fn.mode() == 'i' and vim.fn.pumvisible() == 0 then
      request(AUTOMATIC, show)
    end
  end, delay)
end

-- Inserts a part of the ghost text ('all', 'word' or 'line'); says whether there was any.
function M.accept(part)
  if not (shown and redraw()) then
    return false
  end
  local offer = shown.offers[shown.index]
  shown.offers, shown.index = { offer }, 1 -- the others do not begin with what was just accepted
  draw.hide(offer.buf)
  offers.insert(offer, part)
  if not redraw() then
    clear()
  end
  return true
end

-- Shows the candidate `step` further on; asks for candidates where there is but one, or none.
function M.cycle(step)
  if shown and #shown.offers > 1 then
    shown.index = (shown.index - 1 + step) % #shown.offers + 1
    redraw((' (%d/%d)'):format(shown.index, #shown.offers))
    return
  end
  local before = shown and offers.rest(shown.offers[1])
  clear()
  place = current_place()
  request(INVOKED, function(client, answer)
    if not show(client, answer) then
      vim.notify('Verifrag: nothing to offer here')
    elseif #shown.offers > 1 and offers.rest(shown.offers[1]) == before then
      M.cycle(step)
    end
  end)
end

-- Takes the ghost text off the screen; says whether there was any.
function M.dismiss()
  local was_shown = shown ~= nil
  clear()
  return was_shown
end

-- Shows ghost text in `buf` while typing, `delay` milliseconds after the last key.
function M.attach(buf, delay)
  local group = vim.api.nvim_create_augroup('verifrag_ghost_' .. buf, { clear = true })
  vim.api.nvim_create_autocmd({ 'TextChangedI', 'CursorMovedI', 'InsertEnter', 'CompleteDone' }, {
    group = group,
    buffer = buf,
    callback = function()
      update(delay)
    end,
  })
  vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave', 'CompleteChanged' }, {
    group = group,
    buffer = buf,
    callback = clear,
  })
end

-- Follows vim.g.verifrag_off and vim.b.verifrag_off.
function M.refresh()
  clear()
end

return M
