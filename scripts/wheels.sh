#!/usr/bin/env bash
# Builds wheels that need no compiler, and tries them. Each is checked by auditwheel, and tested by the quick
# part of the tests where there is no compiler.
#
#   scripts/wheels.sh 3.11 3.12        into dist; QUICK names the tests, PLATFORMS the kinds of wheels:
#
#     native     this machine, with glibc 2.28 (2018) or later
#     aarch64    64-bit ARM with glibc 2.28 or later; tried under qemu
#     musl       this machine, with musl 1.2, as Alpine has it
#
# The compiler is zig's clang: it brings the C library of its target as symbols, and its C++ library whole.
# All that a build must know of its target is asked of a Python of the target.
set -euo pipefail
cd "$(dirname "$0")/.."
machine=$(uname -m)
most_bytes=2000000
work=$PWD/build/wheels

# Links to all programs of the system except its compilers.
without_compilers() {
  rm -rf "${work:?}/bin" && mkdir -p "$work/bin"
  local program name
  for program in /usr/local/bin/* /usr/bin/* /bin/*; do
    name=${program##*/}
    case $name in
      cc | c++ | c89* | c99* | ld | ld.* | as | *gcc* | *g++* | *clang* | *cpp* | zig | cmake | ninja | make) ;;
      *) ln -sf "$program" "$work/bin/$name" ;;
    esac
  done
}

# Sets what the compiler calls the target, the tags of wheels that run there (the first is ours), and `target`,
# a Python of the target that runs here.
aim() {
  local glibc=(manylinux_2_{28,27,26,17} manylinux2014)
  case $platform in
    native) triple=$machine-linux-gnu.2.28 tags=("${glibc[@]/%/_$machine}") target=$python ;;
    aarch64)
      triple=aarch64-linux-gnu.2.28 tags=("${glibc[@]/%/_aarch64}")
      target=$(scripts/aarch64-python.sh "$version")
      ;;
    musl)
      triple=$machine-linux-musl tags=("musllinux_1_2_$machine" "musllinux_1_1_$machine")
      target=$(scripts/musl-python.sh "$version" "$zig")
      ;;
    *) echo "PLATFORMS: native, aarch64 or musl, not $platform" >&2; return 1 ;;
  esac
}

build() {
  local about bytes setting settings=()
  mapfile -t about < <("$target" -c 'import sysconfig as s; print(s.get_platform(), s.get_config_var("EXT_SUFFIX"), s.get_path("include"), sep="\n")')
  for setting in ATTOLOG_WARNINGS_ARE_ERRORS=ON Python_INCLUDE_DIR="${about[2]}" \
    CMAKE_SYSTEM_NAME=Linux CMAKE_SYSTEM_PROCESSOR="${about[0]#linux-}"; do
    settings+=("--config-settings=cmake.define.$setting")
  done
  rm -rf "$out" && mkdir -p "$out" dist
  PATH="$tools/bin:$PATH" CC="$zig cc -target $triple" CXX="$zig c++ -target $triple" LDFLAGS=-s \
    _PYTHON_HOST_PLATFORM=${about[0]} SETUPTOOLS_EXT_SUFFIX=${about[1]} \
    "$tools/bin/python" -m pip wheel --quiet --no-build-isolation --no-deps --no-cache-dir --wheel-dir "$out" . \
    --config-settings="build-dir=$out/objects" "${settings[@]}"
  "$tools/bin/python" scripts/sbom.py "$out"/*.whl
  PATH="$tools/bin:$PATH" "$tools/bin/auditwheel" repair --wheel-dir "$out/checked" --exclude libc.so \
    "$out"/*.whl >"$out/auditwheel.log" 2>&1 || { cat "$out/auditwheel.log"; return 1; }
  cp "$out"/checked/*.whl dist/
  wheel=$PWD/dist/$(basename "$out"/checked/*.whl)
  bytes=$(stat -c %s "$wheel")
  echo "== $version for $platform: ${wheel##*/}, $bytes bytes"
  [[ $wheel == *"${tags[0]}"* ]] || { echo "the wheel is not for ${tags[0]}" >&2; return 1; }
  ((bytes < most_bytes)) || { echo "the wheel is larger than $most_bytes bytes" >&2; return 1; }
}

try() {
  local environment=$out/environment but=()
  [[ $platform != musl ]] || but=(-k "not _csv.read_csv")  # for pandas, which needs ctypes
  if [[ $platform == native ]]; then
    PATH=$work/bin "$python" scripts/environment.py "$environment" "$wheel" --group test
  else
    "$target" -m venv --without-pip --clear "$environment"
    "$tools/bin/python" scripts/environment.py "$environment" "$wheel" --group quick "${tags[@]/#/--platform=}"
  fi
  WHEEL=$wheel PATH="$environment/bin:$work/bin" "$environment/bin/python" -m pytest -q -m 'not torture' \
    --hypothesis-profile=ci "${but[@]}" --pyargs $QUICK tests/packaging attolog
}

without_compilers
for version in "$@"; do
  python=$(scripts/have-python.sh "$version") || { echo "== $version: skipped"; continue; }
  tools=$PWD/.venv-$version
  "$python" scripts/environment.py "$tools" --group wheels
  zig=$("$tools/bin/python" -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / "zig")')
  for platform in ${PLATFORMS:-native}; do
    out=$work/$version-$platform
    aim || { echo "== $version for $platform: skipped"; continue; }
    build
    try
  done
done
