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

# musl itself: the library that is the loader, too. 1.2.5: wheels of other packages need more than 1.2.3.
fetch_loader() {
  debian_apt "$root/apt" trixie
  (cd "$root/apt" && "${get[@]}" download musl)
  dpkg-deb -x "$root"/apt/musl_*.deb "$root/apt/musl"
  mkdir -p "$root/lib"
  install -m 755 "$root/apt/musl/usr/lib/$machine-linux-musl/libc.so" "$loader"
}

# The only library for its modules. Tests need the module zlib; those for other libraries are left out.
build_zlib() {
  debian_apt "$root/apt" bookworm
  (cd "$root/apt" && "${get[@]}" source --download-only zlib)
  rm -rf "$root/zlib" && mkdir "$root/zlib" && cd "$root/zlib"
  tar -x --strip-components=1 -f "$(ls "$root"/apt/zlib_*.orig.tar.*z*)"
  CC="$zig cc -target $machine-linux-musl" AR="$zig ar" RANLIB="$zig ranlib" CFLAGS="-O2 -fPIC" ./configure --static
  make -s libz.a
}

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
    OPT="-DNDEBUG -O1 -w -Wno-date-time" PKG_CONFIG_LIBDIR=/nowhere ZLIB_CFLAGS="-I$root/zlib" \
    ZLIB_LIBS="-L$root/zlib -lz" ../source/configure --quiet --prefix="$root/$version" \
    --build="$machine-linux-musl" --disable-test-modules --without-ensurepip --without-doc-strings \
    ac_cv_buggy_getaddrinfo=no
  make -s -j"${JOBS:-2}"
  make -s install COMPILEALL_OPTS=-j1
  rm -rf "$work"
}

{
  mkdir -p "$root"
  [[ -x $loader ]] || fetch_loader
  [[ -e $root/zlib/libz.a ]] || (build_zlib)
  [[ -x $python ]] || (build)
} >&2
echo "$python"
