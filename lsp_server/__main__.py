"""Command line of the language server: `verifrag`, or `python -m lsp_server`.

verifrag [--stdio | --tcp HOST:PORT]     serve one editor
verifrag doctor                          say what is wrong here (`lsp_server.doctor`)
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from lsp_server import __version__


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one editor, over stdin and stdout unless told otherwise."""
    options = parse(arguments)
    if os.name == "nt":
        sys.exit(
            "verifrag: Windows is not supported: install it in WSL, the Linux that Windows has"
        )
    if options.command == "doctor":
        from lsp_server import doctor

        sys.exit(doctor.run(options))
    try:
        set_up_logging(options.log_file, options.verbose)
    except OSError as error:
        sys.exit(f"verifrag: cannot write the log: {error}")
    # After the options, so that --version and --help answer at once.
    from lsp_server.server import server

    if options.tcp is None:
        server.start_io()
    else:
        logging.getLogger(__name__).info("listening on %s:%d", *options.tcp)
        try:
            server.start_tcp(*options.tcp)
        except OSError as error:
            sys.exit(f"verifrag: cannot listen: {error}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verifrag", description="Verilog language server.")
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument(
        "--stdio", action="store_true", help="serve over stdin and stdout (the default)"
    )
    transport.add_argument(
        "--tcp", type=address, metavar="HOST:PORT", help="listen for one editor instead"
    )
    parser.add_argument("--log-file", metavar="FILE", help="write the log there, not to stderr")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more in the log; -vv for everything"
    )
    parser.add_argument("--version", action="version", version=f"verifrag {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="doctor")
    doctor = commands.add_parser("doctor", help="say what is wrong on this machine")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument("--model", default="", help="as in the setting verifrag.model")
    doctor.add_argument("--iverilog", default="iverilog", help="as in verifrag.iverilog.path")
    doctor.add_argument("--quick", action="store_true", help="do not load the model")
    return parser.parse_args(arguments)


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, or raise argparse.ArgumentTypeError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)


def set_up_logging(file: str | None, verbose: int) -> None:
    logging.basicConfig(
        filename=file,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        level=logging.DEBUG if verbose else logging.INFO,
        encoding="utf-8" if file else None,
    )
    # pygls logs every message with the source text in it, on INFO.
    logging.getLogger("pygls").setLevel(logging.DEBUG if verbose > 1 else logging.WARNING)
    if verbose < 2:  # it warns of each request that was answered before its cancellation came
        logging.getLogger("pygls.protocol.json_rpc").setLevel(logging.ERROR)


if __name__ == "__main__":
    main()
