#!/usr/bin/env bash
# Runs the pinned pnpm, which is downloaded into .tools on first use: the host needs only Node and npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/.*"packageManager": "pnpm@\([^"]*\)".*/\1/p' package.json)
pnpm=.tools/node_modules/.bin/pnpm
if [ "$("$pnpm" --version 2>/dev/null || true)" != "$version" ]; then
  command -v npm >/dev/null || { echo "Node and npm are required. Install Debian's packages nodejs and npm, or Node from nodejs.org." >&2; exit 1; }
  echo "Fetching pnpm $version into .tools" >&2
  npm install --prefix .tools --no-save --no-audit --no-fund --loglevel=error "pnpm@$version" >&2
fi
exec "$pnpm" "$@"
