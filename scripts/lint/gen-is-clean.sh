#!/usr/bin/env bash
# Fails when `make gen` has changed a committed file: somebody edited a source and did not generate.
set -euo pipefail
changed=$(git status --porcelain -- '**/gen/**' '*.golden*' 'docs/**')
[ -z "$changed" ] && exit 0
echo "Generated files differ from their sources. Run \`make gen\` and commit what it changes:" >&2
echo "$changed" >&2
exit 1
