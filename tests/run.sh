#!/usr/bin/env bash
# Everything that continuous integration runs: linters, the mini recipe end to end in a temporary folder, the tests.
# usage: tests/run.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MSCNN_DEV=true
. ./path.sh

say() { printf '\n== %s\n' "$*"; }

find_chromium() { python3 -c 'from tests.e2e.browser import find_chromium as f; raise SystemExit(f() is None)'; }

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
  MINI_EXP=$folder/egs/mini_iemocap/exp/mscnn_spu_att_gt_loso5 python3 -m pytest -q tests/e2e/test_chromium.py
else
  echo "there is none (it is installed as root with CI set, and not otherwise): the report was not looked at"
fi

say "every system: a step on a fold of 8, 4 and 4 utterances, as the stages would train it"
export HF_HUB_OFFLINE=1
python3 tests/tiny_wav2vec2.py "$folder/wav2vec2"
recipe=$folder/egs/mini_iemocap
mkdir "$folder/lists"
awk -v stem="$folder/lists/fold01." \
  '++n[$2] <= 4 { part = n[$2] <= 2 ? "train" : n[$2] == 3 ? "dev" : "test"; print $1 > (stem part) }' \
  "$recipe/data/iemocap4/utt2emo"
python3 -m mscnn.bin.folds --data "$recipe/data/iemocap4" --import "$folder/lists" --name few --out "$folder/few"
mapfile -t systems < <(python3 -c "from mscnn.paths import names; print(*names('models'), sep='\n')")
every_system=(--model "${systems[*]}" --asr-engine none --wav2vec2 "$folder/wav2vec2" --protocol "$folder/few/few.yaml")
"$recipe/run.sh" "${every_system[@]}" --stage features --stop-stage features
"$recipe/run.sh" "${every_system[@]}" --stage train --stop-stage train --dry-run true \
  --train-args "--set max_steps=1 batch_size=2 replacement=true eval_every=0.25 balance=none" |
  python3 tests/e2e/every_system.py "$recipe"

say "pytest"
python3 -m pytest "$@"
