---@brief
---
--- Verifrag, a Verilog language server: ghost text from a small local model, Icarus Verilog's diagnostics
--- for the unsaved text. Install it with `pip install 'verifrag[engine]'` (Python 3.11 or newer).
---
--- The settings are those of the server, for example
--- `settings = { verifrag = { iverilog = { includePath = { 'include' } } } }`.

---@type vim.lsp.Config
return {
  cmd = { 'verifrag', '--stdio' },
  filetypes = { 'verilog', 'systemverilog' },
  root_markers = { '.git' },
  settings = { verifrag = vim.empty_dict() },
}
