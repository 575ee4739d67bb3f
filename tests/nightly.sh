#!/usr/bin/env bash
# What takes too long for every change: the whole table of damaged files, many mutations of every reader, and kills.
# usage: tests/nightly.sh [MUTATIONS PER READER] [NUMBER OF KILLS]   by default 3000 and 12; about an hour on two cores
# What fails is in fuzz/, with the reader and the seed in its name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export MSCNN_DEV=true
. ./path.sh

export MSCNN_TEST_NIGHTLY=true MSCNN_TEST_MUTATIONS=2000 MSCNN_MUTATIONS=5000
python3 -m pytest -q -n auto tests/e2e/faults tests/unit/corpora/tables/test_mutations.py tests/unit/inference/test_bundle.py
python3 -m tests.e2e.faults.campaign --number "${1:-3000}" --out fuzz
tests/e2e/kill_recipe.sh "${2:-12}"
python3 -m tests.e2e.slurm.outages # where apt-get can download the packages of Slurm
