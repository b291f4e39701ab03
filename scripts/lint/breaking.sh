#!/usr/bin/env bash
# Rejects changes to proto/ that would break a deployed peer, compared with the branch that releases are made from.
set -euo pipefail
base=${BASE_REF:-}
[ -n "$base" ] || base=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || git rev-parse --verify --quiet origin/main || git rev-parse --verify --quiet HEAD || true)
if [ -z "$base" ] || ! git cat-file -e "$base:proto/coder" 2>/dev/null; then
  echo "buf breaking: nothing released to compare with"
  exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" proto buf.yaml | tar -x -C "$before"
buf breaking --against "$before"
