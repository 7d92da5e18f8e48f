#!/usr/bin/env bash
# Makes .venv with Python 3.11 or newer and installs Verifrag into it, with the engine, the trainer and
# the tools for tests. Called by the Makefile, which remembers that it is done. $PYTHON names an
# interpreter to prefer, $TORCH the PyTorch requirement.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || fail "Python 3.11 or newer is needed. Install it, or name it: make setup PYTHON=/path/to/python3"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python lacks the venv module. On Debian and Ubuntu: apt-get install python3-venv"
    "$python" -m venv --clear .venv
fi

echo "Installing into .venv (the first time takes a few minutes)"
# PyTorch first, so that the packages after it accept the chosen build instead of fetching another.
# shellcheck disable=SC2086  # $TORCH may carry options
.venv/bin/python -m pip install -qq ${TORCH:-torch==2.13.0}
.venv/bin/python -m pip install -qq --editable '.[dev]'
