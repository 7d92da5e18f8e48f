---@brief
---
--- Verifrag, a Verilog language server: ghost text from a small model that runs on your machine, Icarus
--- Verilog's diagnostics for the unsaved text, completion that knows the workspace's modules, whole modules
--- from a comment.
---
--- `verifrag` can be installed via `pip` (Python 3.11 or newer):
---
--- ```sh
--- pip install '/path/to/verifrag[engine]'
--- ```
---
--- Its settings go under `verifrag`, for example
---
--- ```lua
--- vim.lsp.config('verifrag', {
---   settings = { verifrag = { iverilog = { includePath = { 'include' } } } },
--- })
--- ```
---
--- Ghost text is `textDocument/inlineCompletion`. In Neovim 0.12 and newer:
---
--- ```lua
--- vim.lsp.inline_completion.enable()
--- vim.keymap.set('i', '<M-l>', vim.lsp.inline_completion.get)
--- ```

---@type vim.lsp.Config
return {
  cmd = { 'verifrag', '--stdio' },
  filetypes = { 'verilog', 'systemverilog' },
  root_markers = { 'verifrag.toml', '.git' },
  settings = { verifrag = vim.empty_dict() },
}
