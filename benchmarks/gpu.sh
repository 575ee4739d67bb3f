#!/usr/bin/env bash
# Measures training and x-vectors on a GPU, and writes a table in Markdown:
#
#     benchmarks/gpu.sh [benchmarks/results] [--device cpu --tiny true]
#
# It takes at most 8 minutes on an H100 with 16 cores, and needs nothing but this folder and a Python that has PyTorch
# and the other packages of mscnn: $PYTHON, that of tools/install.sh, or the first python3 of the PATH that has them.
# All data are made up. --device cpu --tiny true runs every line of it without a GPU.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
out=$root/benchmarks/results
if [ $# -gt 0 ] && [[ $1 != -* ]]; then
  out=$1
  shift
fi
for python in "${PYTHON:-}" "$root/tools/venv/bin/python3" python3 python; do
  if [ -n "$python" ] && command -v "$python" >/dev/null && "$python" -c 'import torch, numpy, yaml' 2>/dev/null; then
    cd "$root"
    export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} PYTHONUTF8=1 OMP_NUM_THREADS=1
    exec "$python" "$root/benchmarks/gpu.py" --out "$out" "$@"
  fi
done
echo "error[package-missing]: no Python with PyTorch, NumPy and PyYAML; run tools/install.sh, or set PYTHON" >&2
exit 1
