# shellcheck shell=bash
# Where jobs run. local: processes of this machine, --nj at a time; debug: one after another in the process that asks,
# so that breakpoint() works.
export MSCNN_BACKEND=local
