#!/usr/bin/env bash
# gitea.sh: prints the folder of a real Gitea, for the tests of git credentials. Built once from its Go module, outside of
# the repository: about three minutes. With --check, only tells whether that is possible.
set -euo pipefail
version=1.26.0
folder=${XDG_CACHE_HOME:-$HOME/.cache}/fleet/gitea-$version
[ "${1:-}" != --check ] || { [ -x "$folder/gitea" ] || command -v go >/dev/null; exit; }
if [ ! -x "$folder/gitea" ]; then
  command -v go >/dev/null || { echo "Go is needed to build Gitea $version. Install it, then run this again." >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  source=$(go mod download -json "code.gitea.io/gitea@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp -r "$source" "$work/gitea"
  chmod -R u+w "$work/gitea"
  cd "$work/gitea"
  go build -trimpath -tags 'sqlite sqlite_unlock_notify' -ldflags "-s -w -X main.Version=$version" -o "$work/gitea/gitea" . >&2
  mkdir -p "$folder"
  cp -r options templates public "$folder/"
  mv gitea "$folder/gitea"
fi
echo "$folder"
