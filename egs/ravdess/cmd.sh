# shellcheck shell=bash
# Where jobs run. local: processes of this machine, --nj at a time; debug: one after another in the calling process,
# so that breakpoint() works; slurm: arrays of a cluster, with options as in Kaldi's train_cmd (docs/howto/cluster.md).
export MSCNN_BACKEND=local
# A step of its own (AUDIT, XVECTOR, EXTRACT, TRANSCRIBE, TRAIN or PREDICT) may run elsewhere:
# export MSCNN_BACKEND_TRAIN="slurm --mem 8G --time 12:00:00 --max-jobs-run 50"
