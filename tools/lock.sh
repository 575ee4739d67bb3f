#!/usr/bin/env bash
# Write tools/requirements.lock: the newest versions that pyproject.toml allows, for every Python version and platform. Options
# such as --upgrade are passed to uv (uv pip compile --help). Needs uv: pip install uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec uv pip compile --quiet --universal --python-version 3.10 --all-extras --no-annotate \
  --custom-compile-command tools/lock.sh --output-file tools/requirements.lock "$@" pyproject.toml
