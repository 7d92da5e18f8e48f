#!/usr/bin/env bash
# tools.sh COMMAND...  makes sure that the named commands (iverilog, nvim, bwrap) exist: installs what is missing
# with apt-get if this user may, and says what to install if not.
set -euo pipefail

declare -A package=(
    [iverilog]=iverilog [nvim]=neovim [bwrap]=bubblewrap [emacs]="emacs-nox elpa-eglot"
    [npm]=npm [chromium]=chromium [g++]=g++ [make]=make [python3]=python3 [krb5-config]=libkrb5-dev
)
missing=()
for command in "$@"; do
    command -v "$command" >/dev/null || missing+=(${package[$command]}) # unquoted: one word a package
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing with apt-get: ${missing[*]}"
    "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null && exit 0
fi
echo "Please install ${missing[*]} and run make again (Debian, Ubuntu: sudo apt-get install ${missing[*]})" >&2
exit 1
