#!/usr/bin/env bash
# Make tools/venv, a Python environment with the versions of requirements.lock; path.sh calls this when there is none.
# After an interruption, even by kill -9, run it again; pip's downloads are cached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'EOF'
usage: tools/install.sh [--dev]
  --dev   also linters and the test runner (tests/run.sh installs them itself)

PYTHON=/path/to/python3 chooses the interpreter (3.10 to 3.13). pip's own variables apply, for example
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu, which saves gigabytes where there is no NVIDIA GPU.
EOF
}

say() { printf '%s\n' "tools/install.sh: $*" >&2; }

usable() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" ${PYTHON:-python3.11 python3.13 python3.12 python3.10}; do
    if usable "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  cat >&2 <<EOF
tools/install.sh: no Python 3.10 to 3.13 with venv and ensurepip; tried: ${PYTHON:-python3, python3.10 ... python3.13}
  -> Debian, Ubuntu: sudo apt install python3-venv
  -> without root: install Python with pyenv, uv or miniconda, then PYTHON=/path/to/python3 tools/install.sh
EOF
  return 1
}

# What tools/venv is made from; written to venv/made-from when the installation is complete.
made_from() { # made_from EXTRAS
  echo "extras: $1"
  sed -n '/^\[project\]/,/^\[tool/p' ../pyproject.toml
  cat requirements.lock
}

complete() { # complete EXTRAS
  local names
  IFS=, read -ra names <<<"$1"
  cmp -s <(made_from "$1") venv/made-from && venv/bin/python3 check_env.py "${names[@]}" >/dev/null 2>&1
}

install() { # install MESSAGE ARGUMENT...
  say "$1"
  shift
  "${pip[@]}" "$@" >&2 || {
    say "failed: fix the cause (network? disk?), then run tools/install.sh again"
    return 1
  }
}

extras=demo # voices and an ASR engine, for the recipe that needs no corpus
case "$*" in
  "") ;;
  --dev) extras=demo,dev ;;
  --help | -h) usage && exit ;;
  *) usage >&2 && exit 2 ;;
esac

export PIP_USER=0 # a user's pip may install into the home by default, which a venv refuses
nothing_to_do() {
  if complete "$extras" || complete demo,dev; then
    echo "tools/venv is complete, nothing to do"
    exit
  fi
}

nothing_to_do # asked before the lock: a shared installation may be read-only
if [[ ! -w . ]]; then
  say "$PWD cannot be written: ask who owns it to run tools/install.sh, or activate an environment that has mscnn"
  exit 1
fi
if [[ -f ../utils/lock.sh ]]; then # of two recipes started at once on a fresh clone, the second waits
  . ../utils/lock.sh
  trap 'lock_release ./.install.lock' EXIT
  trap 'exit 130' INT && trap 'exit 143' TERM && trap 'exit 129' HUP
  lock_take ./.install.lock say
  nothing_to_do
fi

# A venv without made-from was interrupted and may have partial packages: it is made again.
if [[ ! -f venv/made-from ]] || ! venv/bin/python3 -c 'import pip' 2>/dev/null; then
  rm -rf venv
  python=$(find_python)
  say "making tools/venv with $("$python" --version) ($python)"
  "$python" -m venv venv
fi
! grep -qx 'extras: demo,dev' venv/made-from 2>/dev/null || extras=demo,dev
rm -f venv/made-from

say "installing locked versions from PyPI: 1 to 3 minutes, 1.7 GB of disk (Linux: PyPI's torch brings CUDA, then 6 GB)"
pip=(venv/bin/python3 -m pip install --disable-pip-version-check --no-input --no-compile --constraint requirements.lock)
[[ -t 2 ]] || pip+=(-qq) # progress bars on a terminal, else errors only
install "1/3 torch, the largest" torch
install "2/3 mscnn[$extras] from this checkout" --editable "..[$extras]"
say "3/3 compiling bytecode on all cores, and what librosa compiles at its first use"
venv/bin/python3 -m compileall -qq -j 0 venv/lib || true # some packages have templates that are not valid Python
venv/bin/python3 -c 'import librosa, numpy
librosa.feature.delta(librosa.feature.mfcc(y=numpy.zeros(16000, numpy.float32)))'
made_from "$extras" >venv/made-from
say "done in $SECONDS s"
