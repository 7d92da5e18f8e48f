-- What the engine is doing, as the server tells it in `verifrag/state`.

local M = {}

local latest = {}

-- Handles the notification: kind, message, fraction, model, round (lsp_server has the meaning of each).
function M.handler(_, state)
  latest = state
  vim.cmd('redrawstatus!')
end

-- After the server has gone.
function M.forget()
  latest = {}
end

-- A few words for a status line.
function M.describe()
  if vim.g.verifrag_off or vim.b.verifrag_off then
    return 'Verifrag: off'
  end
  if latest.kind == 'loading' and type(latest.fraction) == 'number' then -- else vim.NIL
    return ('Verifrag: loading %d%%'):format(math.floor(latest.fraction * 100))
  elseif latest.kind == 'ready' then
    local round = latest.round > 0 and (' (round %d)'):format(latest.round) or ''
    return 'Verifrag: ' .. latest.model .. round
  end
  return latest.kind and 'Verifrag: ' .. latest.kind or 'Verifrag'
end

return M
