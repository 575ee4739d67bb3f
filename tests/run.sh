#!/usr/bin/env bash
# Everything that continuous integration runs: linters, the mini recipe end to end in a temporary folder, the tests.
# usage: tests/run.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MSCNN_DEV=true
. ./path.sh

say() { printf '\n== %s\n' "$*"; }

say "ruff: Python"
python3 -m ruff check .

say "shellcheck: shell"
mapfile -t scripts < <(
  grep -rlE '^#(!/usr/bin/env bash| shellcheck shell=bash)$' .ci egs path.sh tests tools utils \
    --exclude='*.py' --exclude-dir={venv,corpus,data,dump,exp} | sort
)
shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
echo "${#scripts[@]} files, no findings"

say "egs/mini_iemocap/run.sh, from corpus to scores, in a temporary folder"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/egs"
cp -r egs/mini_iemocap "$folder/egs/"
rm -rf "$folder"/egs/mini_iemocap/{corpus,data,dump,exp}
ln -s "$PWD"/{conf,mscnn,path.sh,tools,utils} "$folder"
"$folder/egs/mini_iemocap/run.sh"
utils/show_results.sh "$folder"/egs/mini_iemocap/exp/*

say "pytest"
python3 -m pytest "$@"
