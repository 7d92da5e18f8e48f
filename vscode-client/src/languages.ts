// The languages that are served: VS Code's ids.

export const LANGUAGES = ['verilog', 'systemverilog'];
