#!/usr/bin/env bash
# Runs pytest on the extension module built with the address and undefined-behaviour sanitizers. Python
# itself is not built with them, so their runtime is loaded before it, and Python's own allocator, which
# would hide errors from them, is turned off.
#
#   scripts/sanitize-module.sh [pytest's arguments]      VENV: the environment to use
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv-asan}

make --no-print-directory VENV="$venv" "$venv/group-test"
"$venv/bin/python" -m pip install --quiet --no-build-isolation \
  --config-settings=install.strip=false \
  --config-settings=build-dir=build/asan-module \
  --config-settings=cmake.define.ATTOLOG_SANITIZE=address,undefined .

compiler=${CXX:-c++}
export LD_PRELOAD="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libstdc++.so)"
export PYTHONMALLOC=malloc
# CPython leaves memory to the end of the process by design: leaks are looked for in the C++ tests.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
if (($# == 0)); then
  set -- tests/api tests/document tests/property
fi
exec "$venv/bin/python" -m pytest -m 'not torture' -p no:cacheprovider "$@"
