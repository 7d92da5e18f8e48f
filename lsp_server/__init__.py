"""The Verifrag language server: the protocol and nothing else; Verilog and models are `engine`'s."""

__version__ = "0.1.0"
