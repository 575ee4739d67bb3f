# shellcheck shell=bash
# Where jobs run. local: processes of this machine, --nj at a time; debug: one after another in the calling process,
# so that breakpoint() works.
export MSCNN_BACKEND=local
