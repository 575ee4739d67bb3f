# shellcheck shell=bash
# Where jobs run. local: processes of this machine, --nj at a time.
export MSCNN_BACKEND=local
