#!/usr/bin/env bash
# Builds attolog for other versions of Python, each in an environment of its own, and tests it there.
#
#   scripts/versions.sh 3.12 3.13 3.14 3.15     BUILD_ONLY=yes leaves the tests out
#
# The last version gets all tests, those before it the quick part. 3.14 and later ones that are not on this
# machine are fetched (newer-python.sh). What is not to be had is said and passed over.
set -euo pipefail
cd "$(dirname "$0")/.."

for version in "$@"; do
  if ! python=$(scripts/have-python.sh "$version"); then
    echo "== $version: skipped"
    continue
  fi
  echo "== $version: $python"
  target=pytest-quick
  [[ $version != "${!#}" ]] || target=pytest
  [[ -z ${BUILD_ONLY-} ]] || target=built
  make --no-print-directory VENV=".venv-$version" PYTHON="$python" "$target"
done
