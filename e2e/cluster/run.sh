#!/usr/bin/env bash
# Tests the fleet on the cluster that KUBECONFIG leads to; says why and does nothing where there is none.
#   run.sh [main|rolling|kill]
# docs/kubernetes.md describes the variables that it takes.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH
exec node scripts/bench/run.mjs "e2e/cluster/${1:-main}.ts"
