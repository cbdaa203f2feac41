#!/usr/bin/env bash
# Builds wheels that need no compiler, and run on systems of glibc 2.28 (2018) and later. Each is checked
# by auditwheel, and tested by the quick part of the tests in an environment without a compiler.
#
#   scripts/wheels.sh 3.11 3.12        into dist; QUICK names the tests
#
# The compiler is zig's clang: it brings the C library of its target as symbols, and its C++ library whole.
set -euo pipefail
cd "$(dirname "$0")/.."
machine=$(uname -m)
glibc=2.28
most_bytes=2000000
work=$PWD/build/wheels

# Links to all programs of the system except its compilers.
without_compilers() {
  rm -rf "$work/bin" && mkdir -p "$work/bin"
  local program name
  for program in /usr/local/bin/* /usr/bin/* /bin/*; do
    name=${program##*/}
    case $name in
      cc | c++ | c89* | c99* | ld | ld.* | as | *gcc* | *g++* | *clang* | *cpp* | zig | cmake | ninja | make) ;;
      *) ln -sf "$program" "$work/bin/$name" ;;
    esac
  done
}

build() {
  local version=$1 python=$2 tools=$PWD/.venv-$1 out=$work/$1
  rm -rf "$out" && mkdir -p "$out"
  "$python" scripts/environment.py "$tools" --group wheels
  local zig
  zig=$("$tools/bin/python" -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / "zig")')
  local target="-target $machine-linux-gnu.$glibc"
  PATH="$tools/bin:$PATH" CC="$zig cc $target" CXX="$zig c++ $target" \
    "$tools/bin/python" -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$out" . \
    --config-settings="build-dir=build/wheels/$version/objects" --config-settings=cmake.define.ATTOLOG_WARNINGS_ARE_ERRORS=ON
  "$tools/bin/python" scripts/sbom.py "$out"/*.whl
  PATH="$tools/bin:$PATH" "$tools/bin/auditwheel" repair --plat "manylinux_${glibc/./_}_$machine" \
    --wheel-dir "$out/checked" "$out"/*.whl >"$out/auditwheel.log" 2>&1 || { cat "$out/auditwheel.log"; return 1; }
  mkdir -p dist
  cp "$out"/checked/*.whl dist/
  wheel=dist/$(basename "$out"/checked/*.whl)
  local bytes
  bytes=$(stat -c %s "$wheel")
  echo "== $version: $wheel, $bytes bytes"
  ((bytes < most_bytes)) || { echo "the wheel is larger than $most_bytes bytes" >&2; return 1; }
}

try() {
  local version=$1 python=$2 wheel=$3 environment=$work/$1/environment
  "$python" scripts/environment.py "$environment" --group test
  PATH="$environment/bin:$work/bin" "$environment/bin/python" -m pip install --quiet --only-binary :all: "$wheel"
  WHEEL=$PWD/$wheel PATH="$environment/bin:$work/bin" "$environment/bin/python" -m pytest -q -m 'not torture' \
    --hypothesis-profile=ci --pyargs $QUICK tests/packaging README.md attolog
}

without_compilers
for version in "$@"; do
  if ! python=$(scripts/find-python.sh "$version"); then
    echo "== $version: skipped"
    continue
  fi
  build "$version" "$python"
  try "$version" "$python" "$wheel"
done
