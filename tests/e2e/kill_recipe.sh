#!/usr/bin/env bash
# Stop a small mini_iemocap at random moments of each stage, with SIGKILL every other time, else SIGTERM and SIGINT in turn, to
# run.sh or to its process group. Five seconds later none of its processes may be left. The same command then goes on, into
# the next stage; after the last one, all predictions, scores, archives and tables must be those of a run that nobody
# disturbed, byte for byte, and no lock may be left.
# usage: tests/e2e/kill_recipe.sh [NUMBER OF KILLS]     a minute of one core for each six kills
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. ./path.sh

kills=${1:-12}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options=(--corpus "$folder/corpus/IEMOCAP_full_release" --stage data --nj 2 --folds 2 --model "audio_cnn_xvector text_cnn")
options+=(--set "max_epochs=3 patience=3" --text "gt pocketsphinx")

recipe() { # recipe NAME: a copy of the recipe in a folder of its own, with the repository's code
  mkdir -p "$folder/$1/egs/mini_iemocap"
  cp egs/mini_iemocap/*.sh "$folder/$1/egs/mini_iemocap/"
  ln -s "$PWD"/{conf,mscnn,path.sh,tools,utils} "$folder/$1"
}

results() { # results NAME: what must be the same
  (cd "$folder/$1/egs/mini_iemocap" && find data dump exp \( -name 'predictions_*' -o -name 'score_*' -o -name '*.ark' \
    -o -name '*.safetensors' -o -name statistics.json -o -path 'data/*/*' \) -type f ! -path '*/log/*' -exec sha256sum {} + | sort -k 2)
}

seconds() { sed -n "s/.* stage $1 .*: done in \([0-9]*\) s/\1/p" "$folder/whole.log"; }

finish() { # finish REASON: let the killed recipe end, and compare
  "$folder/killed/egs/mini_iemocap/run.sh" "${options[@]}" >"$folder/killed.log" 2>&1 || { cat "$folder/killed.log" && exit 1; }
  diff <(results whole) <(results killed)
  left=$(find "$folder"/killed/egs -name '*.taking' -o -name '*.lock') # temporary files of who was killed may stay
  [[ -z $left ]] || { echo "files are left: $left" >&2 && exit 1; }
  echo "finished: $(results whole | wc -l) files, all the same"
  rm -r "$folder"/killed/egs/mini_iemocap/{data,dump,exp}
}

python3 -m mscnn.bin.make_mini_iemocap --out "$folder/corpus" >/dev/null 2>&1
find "$folder/corpus" \( -name '*_script*' -o -name '*impro03*' \) -prune -exec rm -r {} +
recipe whole
recipe killed
"$folder/whole/egs/mini_iemocap/run.sh" "${options[@]}" >"$folder/whole.log" 2>&1 || { cat "$folder/whole.log" && exit 1; }
echo "undisturbed: $SECONDS s"

RANDOM=${SEED:-1}
signals=(KILL TERM KILL INT)
for ((i = 0; i < kills; i++)); do
  stage=$((1 + i % 6)) signal=${signals[i % 4]}
  # a script's background processes ignore SIGINT, unless env brings it back
  setsid env --default-signal=INT "$folder/killed/egs/mini_iemocap/run.sh" "${options[@]}" >"$folder/killed.log" 2>&1 &
  process=$!
  until grep -q " stage $stage [a-z]*$" "$folder/killed.log"; do
    kill -0 "$process" 2>/dev/null || { cat "$folder/killed.log" && exit 1; }
    sleep 0.1
  done
  moment=$((RANDOM % (1000 * ($(seconds $stage) + 1))))
  sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
  if ((RANDOM % 2)); then target=$process; else target=-$process; fi
  kill -"$signal" -- "$target" 2>/dev/null || echo "kill $i: it had finished"
  wait "$process" 2>/dev/null || true
  sleep 5
  left=$(ps -s "$process" -o pid=,stat=,args= | awk '$2 !~ /^Z/' || true) # setsid gave them a session
  [[ -z $left ]] || { echo "SIG$signal in stage $stage: processes are left: $left" >&2 && exit 1; }
  echo "SIG$signal to $target in stage $stage after $moment ms: $(grep -o ' stage [0-9] [a-z]*$' "$folder/killed.log" | tail -n 1)"
  ((stage < 6)) || finish
done
((kills % 6 == 0)) || finish
echo "killed $kills times"
