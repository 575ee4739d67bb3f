#!/usr/bin/env bash
# Print a table of the test scores of experiments, by protocol and UA; --all: with pooled scores and subsets.
# usage: utils/show_results.sh [--all] [EXP...]     default: exp/*
set -euo pipefail
export LC_ALL=C
lines=1
case ${1-} in
  -h | --help) sed -n '2,3s/^# //p' "$0" && exit ;;
  --all) lines=all && shift ;;
  -*) echo "show_results.sh: unknown option $1; --help" >&2 && exit 2 ;;
esac
(($#)) || set -- exp/*
row='%-29s %6s %6s %6s %11s %5s %4s  %-14s %-10s %s\n'
table=$(for exp; do
  [[ ! -f $exp/score_test.txt ]] || awk -v lines="$lines" -v row="$row" '
    /^%UA/ && (lines == "all" || NR == 1) {
      delete field
      for (i = 10; i < NF; i++) { split($i, pair, "="); field[pair[1]] = pair[2] }
      printf row, field["protocol"], $2, $4, $6, $8 "/" $10, field["folds"], field["runs"], field["text"], \
        field["subset"], field["agg"] == "fold-mean" ? $NF : $NF " (" field["agg"] ")"
    }' "$exp/score_test.txt"
done)
[[ -n $table ]] || { echo "show_results.sh: no score_test.txt in: $*; stage 6 (score) writes them" >&2; exit 1; }
# shellcheck disable=SC2059
printf "$row" protocol UA WA F1 correct folds runs text subset experiment
sort -b -k 1,1 -k 9,9 -k 2,2gr <<<"$table"
