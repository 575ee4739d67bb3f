# shellcheck shell=bash
# Environment of every script: source it, from bash. It returns, never exits, and may be sourced twice.
#
# Python is that of the active virtualenv or conda environment where this has all that pyproject.toml requires, else
# that of tools/venv, which tools/install.sh makes on first use. MSCNN_DEV=true asks for what the tests need as well.
# KALDI_ROOT, where set, puts Kaldi's programs on the PATH; everything works without.

mscnn_prepend() { # mscnn_prepend VARIABLE FOLDER: put the folder first, unless it is there already
  [[ :${!1-}: == *:"$2":* ]] || export "$1=$2${!1:+:${!1}}"
}

mscnn_choose_python() {
  local tools=$MSCNN_ROOT/tools dev=() extras=()
  [[ ${MSCNN_DEV:-false} != true ]] || dev=(--dev) extras=(dev)
  if ! python3 "$tools/check_env.py" --activated ${extras[@]+"${extras[@]}"} >/dev/null 2>&1; then
    "$tools/install.sh" ${dev[@]+"${dev[@]}"} >/dev/null && mscnn_prepend PATH "$tools/venv/bin"
  fi
}

mscnn_environment() {
  local folder
  MSCNN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || return
  export MSCNN_ROOT
  mscnn_prepend PYTHONPATH "$MSCNN_ROOT"
  export LC_ALL=C PYTHONUTF8=1  # bytewise sorting, as Kaldi wants it; text is UTF-8 all the same
  export PYTHONUNBUFFERED=1     # logs in the order in which things happened
  export OMP_NUM_THREADS=1      # parallelism comes from processes
  unset PYTHONHASHSEED
  if [[ -n ${KALDI_ROOT:-} ]]; then
    for folder in bin featbin ivectorbin nnet3bin; do
      mscnn_prepend PATH "$KALDI_ROOT/src/$folder"
    done
  fi
  mscnn_prepend PATH "$MSCNN_ROOT/tools/bin" # the command mscnn
  mscnn_choose_python
}

mscnn_environment || return 1
unset -f mscnn_prepend mscnn_choose_python mscnn_environment
