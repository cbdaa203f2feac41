#!/usr/bin/env bash
# Builds a free-threaded Python 3.13 from Debian's source package, and prints its path. Needs Debian's
# apt, and the libraries that Python is built with (zlib1g-dev libssl-dev libffi-dev ...). Everything
# stays under build/free-threaded; the machine's own apt is not changed. What is there is not built again.
#
#   scripts/free-threaded-python.sh NAME [configure's options]      into build/free-threaded/NAME
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/debian.sh
source scripts/debian.sh
suite=trixie
root=$PWD/build/free-threaded
name=$1
shift

fetch_source() {
  debian_apt "$root/apt" "$suite"
  (cd "$root" && "${get[@]}" source --download-only python3.13)
  rm -rf "$root/unpacked" && mkdir "$root/unpacked"
  tar -xf "$(ls "$root"/python3.13_*.orig.tar.* | grep -v "\.asc$")" -C "$root/unpacked" --strip-components=1
  mv "$root/unpacked" "$root/source"
}

if [[ ! -x $root/$name/bin/python3.13t ]]; then
  mkdir -p "$root"
  {
    [[ -d $root/source ]] || fetch_source
    rm -rf "$root/$name-build" && mkdir "$root/$name-build" && cd "$root/$name-build"
    ../source/configure --quiet --disable-gil --prefix="$root/$name" "$@"
    make -s -j"${JOBS:-2}"
    make -s install COMPILEALL_OPTS=-j1
    cd "$root" && rm -rf "$name-build"
  } >&2
fi
echo "$root/$name/bin/python3.13t"
