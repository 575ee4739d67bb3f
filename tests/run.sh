#!/usr/bin/env bash
# Everything that continuous integration runs: linters, the mini recipe end to end in a temporary folder, the tests.
# usage: tests/run.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MSCNN_DEV=true
. ./path.sh

say() { printf '\n== %s\n' "$*"; }

find_chromium() { python3 -c 'from tests.report.browser import find_chromium as f; raise SystemExit(f() is None)'; }

say "ruff: Python"
python3 -m ruff check .

say "shellcheck: shell"
mapfile -t scripts < <(
  grep -rIlE '^#(!/usr/bin/env bash| shellcheck shell=bash)$' .ci egs path.sh tests tools utils \
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

say "Chromium: the report of that run"
if [[ -n ${CI:-} ]] && ((EUID == 0)) && ! find_chromium && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive timeout 300 bash -c 'apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core' \
    >"$folder/apt.log" 2>&1 || tail -n 3 "$folder/apt.log"
fi
if find_chromium; then
  MINI_EXP=$folder/egs/mini_iemocap/exp/mscnn_spu_att_gt_loso5 python3 -m pytest -q tests/report/test_chromium.py
else
  echo "there is none (it is installed as root with CI set, and not otherwise): the report was not looked at"
fi

say "every system: a step or two on one fold, through the same stages"
export HF_HUB_OFFLINE=1
python3 tests/tiny_wav2vec2.py "$folder/wav2vec2"
mapfile -t systems < <(cd conf/models && basename -s .yaml -- *.yaml)
few_steps="--set max_steps=1 batch_size=2 replacement=true eval_every=0.01 balance=none"
"$folder/egs/mini_iemocap/run.sh" --stage features --stop-stage features --model "${systems[*]}" --asr-engine none \
  --wav2vec2 "$folder/wav2vec2"
# Four at a time on each of two cores; relatives have neighbouring names, and heavy ones are not all in one half.
printf '%s\n' "${systems[@]}" | paste -sd '   \n' - | xargs -d '\n' -n 1 -P 2 "$folder/egs/mini_iemocap/run.sh" \
  --stage train --stop-stage train --folds 1 --asr-engine none --nj 1 --wav2vec2 "$folder/wav2vec2" --overwrite true \
  --train-args "$few_steps" --model >"$folder/smoke.log" 2>&1 || { tail -n 40 "$folder/smoke.log"; exit 1; }
echo "${#systems[@]} systems: ${systems[*]}"

say "pytest"
python3 -m pytest "$@"
