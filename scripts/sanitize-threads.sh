#!/usr/bin/env bash
# Runs tests of threads under ThreadSanitizer: on the extension module, in a free-threaded Python 3.13
# that is built with it too, since a sanitizer that does not see Python's own locks takes what they guard
# for unguarded.
#
#   scripts/sanitize-threads.sh [pytest's arguments]      VENV: the environment to use
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv-tsan}
# ThreadSanitizer of gcc 12 does not cope with as many random address bits as newer kernels use.
if setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); else fixed_addresses=(); fi

# Python itself has races that it knows of: its own list of them is what is not told of.
export TSAN_OPTIONS=report_bugs=0
python=$("${fixed_addresses[@]}" scripts/free-threaded-python.sh tsan \
  --with-thread-sanitizer --disable-test-modules)
"${fixed_addresses[@]}" make --no-print-directory VENV="$venv" PYTHON="$python" "$venv/tools"
"${fixed_addresses[@]}" "$venv/bin/python" -m pip install --quiet pytest
"${fixed_addresses[@]}" "$venv/bin/python" -m pip install --quiet --no-build-isolation \
  --config-settings=install.strip=false \
  --config-settings=build-dir=build/tsan-module \
  --config-settings=cmake.define.ATTOLOG_SANITIZE=thread \
  --config-settings=cmake.define.CMAKE_CXX_FLAGS="-include $PWD/tests/cpp/tsan.hpp" .

known=$PWD/build/tsan-module/suppressions.txt
{
  cat build/free-threaded/source/Tools/tsan/suppressions_free_threading.txt
  # The tests' page of acknowledgements: read while threads write it, which is what it is for.
  echo "race_top:unpack_single"
} >"$known"
export TSAN_OPTIONS="suppressions=$known halt_on_error=1 die_after_fork=0 handle_segv=0"
export PYTHON_GIL=0
if (($# == 0)); then
  # Without C12: ThreadSanitizer maps memory of its own for each new thread.
  set -- tests/reliability/test_shared_logger.py tests/reliability/test_threads.py \
    tests/reliability/test_switch.py tests/api/test_logger.py -k "not c12"
fi
exec "${fixed_addresses[@]}" "$venv/bin/python" -m pytest -m 'not torture' -p no:cacheprovider "$@"
