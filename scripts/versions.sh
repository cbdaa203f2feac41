#!/usr/bin/env bash
# Builds attolog for other versions of Python, each in an environment of its own, and tests it there.
#
#   scripts/versions.sh 3.12 3.13
#
# A version that is not on this machine is said and passed over.
set -euo pipefail
cd "$(dirname "$0")/.."

for version in "$@"; do
  if ! python=$(scripts/find-python.sh "$version"); then
    echo "== $version: skipped"
    continue
  fi
  echo "== $version: $python"
  make --no-print-directory VENV=".venv-$version" PYTHON="$python" pytest
done
