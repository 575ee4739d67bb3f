#!/usr/bin/env bash
# Print, for each protocol, the dev and test score lines of the experiment with the highest UA on dev.
# Only experiments with the same protocol and hash are compared: identical folds of identical utterances.
# Experiments with some folds only (--folds; `partial=` in their score lines) are skipped: folds differ in difficulty.
# usage: utils/best_ua.sh [EXP...]     default: exp/*
set -euo pipefail
export LC_ALL=C
[[ ${1-} != -h && ${1-} != --help ]] || { sed -n '2,5s/^# //p' "$0"; exit 0; }
(($#)) || set -- exp/*

# Protocol, dev and test line of each experiment; the first line of a score file is the fold mean over all utterances.
missing="no score_dev.txt and score_test.txt in: $*; stage 6 (score) writes them"
scores=
for exp; do
  [[ -f $exp/score_dev.txt && -f $exp/score_test.txt ]] || continue
  read -r dev <"$exp/score_dev.txt"
  read -r test <"$exp/score_test.txt"
  if [[ $dev == *" partial="* ]]; then
    missing="only some folds are finished in: $*; ./run.sh without --folds runs all"
    continue
  fi
  protocol=${dev#*protocol=}
  scores+="${protocol%% *}"$'\t'"$dev"$'\t'"$test"$'\n'
done
[[ -n $scores ]] || { echo "best_ua.sh: $missing" >&2; exit 1; }

printf %s "$scores" | sort --stable -k 1,1 -k 3,3gr | awk -F '\t' '
  $1 != last { printf "# %s, best on dev: %s\n%s\n", $1, $2, $3 }
  { last = $1 }'
