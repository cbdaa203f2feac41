#!/usr/bin/env bash
# Builds a Python for musl from Debian's source package, by zig's compiler, and prints its path. Wheels for
# Alpine and its like are built against its headers, and tried with it. Needs Debian's apt; the machine's own
# apt is not changed. Everything stays under build/musl, and what is there is not built again.
#
#   scripts/musl-python.sh 3.13 ZIG      ZIG: the path of the compiler
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/debian.sh
source scripts/debian.sh
version=$1
zig=$2
root=$PWD/build/musl
python=$root/$version/bin/python$version
machine=$(uname -m)
loader=$root/lib/ld-musl-$machine.so.1

case $version in
  3.11) suite=bookworm ;;
  3.13) suite=trixie ;;
  *) echo "no source of Python $version is to be had from Debian" >&2; exit 1 ;;
esac

# musl itself: the library that is the loader, too.
fetch_loader() {
  debian_apt "$root/apt" bookworm
  (cd "$root/apt" && "${get[@]}" download musl)
  dpkg-deb -x "$root"/apt/musl_*.deb "$root/apt/musl"
  mkdir -p "$root/lib" && cp "$root/apt/musl/lib/${loader##*/}" "$loader"
}

# Its modules that need libraries are left out, as there are none for musl here.
build() {
  local work=$root/$version-build
  debian_apt "$root/apt" "$suite"
  (cd "$root/apt" && "${get[@]}" source --download-only "python$version")
  rm -rf "$work" && mkdir -p "$work/source" "$work/objects"
  tar -x -C "$work/source" --strip-components=1 -f "$(ls "$root/apt/python$version"_*.orig.tar.?z)"
  # It knows musl by a definition that the first of these headers has only with gcc.
  sed -i 's/include <stdarg.h>/include <stdio.h>/' "$work/source/Misc/platform_triplet.c" 2>/dev/null || true
  cd "$work/objects"
  CC="$zig cc -target $machine-linux-musl -dynamic -Wl,-dynamic-linker,$loader" AR="$zig ar" RANLIB="$zig ranlib" \
    OPT="-DNDEBUG -O1 -w -Wno-date-time" PKG_CONFIG_LIBDIR=/nowhere ../source/configure --quiet --prefix="$root/$version" \
    --build="$machine-linux-musl" --disable-test-modules --without-ensurepip --without-doc-strings \
    ac_cv_buggy_getaddrinfo=no ac_cv_func_preadv2=no ac_cv_func_pwritev2=no  # newer than musl 1.2.0
  make -s -j"${JOBS:-2}"
  make -s install COMPILEALL_OPTS=-j1
  rm -rf "$work"
}

{
  mkdir -p "$root"
  [[ -x $loader ]] || fetch_loader
  [[ -x $python ]] || (build)
} >&2
echo "$python"
