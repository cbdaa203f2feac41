#!/usr/bin/env bash
# Unpacks Debian's Python for aarch64, and prints the path of a script that runs it under qemu. Wheels are
# built against its headers, and tried with it. Needs Debian's apt; the machine's own apt is not changed.
# Everything stays under build/aarch64, and what is there is not fetched again.
#
#   scripts/aarch64-python.sh 3.14
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/debian.sh
source scripts/debian.sh
version=$1
root=$PWD/build/aarch64
python=$root/$version/usr/bin/python
qemu=$root/qemu/usr/bin/qemu-aarch64-static

case $version in
  3.11) suite=bookworm ;;
  3.13) suite=trixie ;;
  3.14 | 3.15) suite=forky ;;
  *) echo "no Debian has Python $version for aarch64" >&2; exit 1 ;;
esac

fetch_qemu() {
  debian_apt "$root/apt" bookworm
  rm -rf "$root/qemu" && mkdir "$root/qemu"
  (cd "$root/apt" && "${get[@]}" download qemu-user-static)
  dpkg-deb -x "$root"/apt/qemu-user-static_*.deb "$root/qemu"
}

fetch_python() {
  local new=$root/$version.new package
  debian_apt "$root/apt" "$suite" arm64
  "${get[@]}" install --download-only --no-install-recommends \
    "python$version-venv" "libpython$version-dev" "libpython$version-stdlib" libstdc++6
  rm -rf "$new" && mkdir -p "$new"
  for package in "$root"/apt/cache/archives/*.deb; do
    case ${package##*/} in
      # The compiler brings headers of the system's own.
      libc6-dev_* | libc-dev-bin_* | linux-libc-dev_* | debconf_* | openssl_*) ;;
      *) dpkg-deb -x "$package" "$new" ;;
    esac
  done
  # Where loaders are looked for: newer packages have all of it below usr.
  [[ -e $new/lib ]] || ln -s usr/lib "$new/lib"
  # Python's headers include this one by the name of a folder that only Debian's compilers know.
  cp "$new/usr/include/aarch64-linux-gnu/python$version/pyconfig.h" "$new/usr/include/python$version/"
  # Its name is the one that it is called by: so are its library and environments found.
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec "%s" -L "%s" -0 "$0" "%s" "$@"\n' \
    "$qemu" "$root/$version" "$root/$version/usr/bin/python$version" >"$new/usr/bin/python"
  chmod +x "$new/usr/bin/python"
  rm -rf "${root:?}/$version" && mv "$new" "$root/$version"
  # Debian compiles the library when it is installed; each start would do so again, and slowly. Bytecode is the
  # same for all machines.
  "$(scripts/find-python.sh "$version")" -m compileall -q "$root/$version/usr/lib/python$version" || true
}

{
  mkdir -p "$root"
  [[ -x $qemu ]] || fetch_qemu
  [[ -x $python ]] || fetch_python
} >&2
"$python" -c ''
echo "$python"
