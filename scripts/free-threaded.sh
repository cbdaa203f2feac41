#!/usr/bin/env bash
# Builds attolog for a free-threaded Python 3.13, which is built first, and runs the tests there that need
# no package without wheels for it.
#
#   scripts/free-threaded.sh [pytest's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/free-threaded-python.sh python)
venv=.venv-3.13t

"$python" -c 'import sys; assert not sys._is_gil_enabled(); print(sys.version)'
make --no-print-directory VENV="$venv" PYTHON="$python" "$venv/tools"
"$venv/bin/python" -m pip install --quiet --only-binary :all: pytest hypothesis numpy pandas
make --no-print-directory VENV="$venv" "$venv/installed"
if (($# == 0)); then
  set -- tests/api tests/reliability
fi
PYTHON_GIL=0 exec "$venv/bin/python" -m pytest -m "not torture" "$@"
