#!/usr/bin/env bash
# Everything that continuous integration runs: linters, types, layers, and all tests, the mini recipe among them.
# usage: tests/run.sh [--fast] [PYTEST ARGUMENT...]
#   --fast   what a contributor runs before a commit: without recipes, scripts, and tests that take seconds
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MSCNN_DEV=true
. ./path.sh

fast=false
if [[ ${1:-} == --fast ]]; then
  fast=true
  shift
fi

say() { printf '\n== %s\n' "$*"; }

say "ruff: Python"
python3 -m ruff check .
python3 -m ruff format --check .

say "codespell: spelling"
codespell

say "shellcheck: shell"
mapfile -t scripts < <(
  grep -rIlE '^#(!/usr/bin/env bash| shellcheck shell=bash)$' .ci egs path.sh tests tools utils \
    --exclude='*.py' --exclude-dir={venv,corpus,data,dump,exp} | sort
)
shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
echo "${#scripts[@]} files, no findings"

say "import-linter: a room imports only from rooms below it"
lint-imports

say "mypy: types"
python3 -m mypy

say "pytest"
if $fast; then
  exec python3 -m pytest -q -n auto -m "not slow and not e2e" "$@"
fi
tests/install_chromium.sh
exec python3 -m pytest -q -n auto --durations 15 "$@"
