#!/usr/bin/env bash
# Builds a free-threaded Python 3.13 from Debian's source package, and attolog's tests with it. Needs
# Debian's apt, and the libraries that Python is built with (zlib1g-dev libssl-dev libffi-dev ...).
# Everything stays under build/free-threaded; the machine's own apt is not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=trixie
root=$PWD/build/free-threaded
python=$root/python/bin/python3.13t
mkdir -p "$root"

if [[ ! -x $python ]]; then
  # The mirror that this machine uses for its own suite, asked for another one.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  [[ -n $mirror ]] || { echo "apt knows no mirror here" >&2; exit 1; }
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$root"/apt/{lists/partial,cache/archives/partial}
  echo "deb-src [signed-by=$keys] $mirror $suite main" >"$root/apt/sources.list"
  apt=(apt-get -q
    -o Dir::Etc::SourceList="$root/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" -o APT::Sandbox::User=)
  "${apt[@]}" update
  (cd "$root" && "${apt[@]}" source --download-only python3.13)
  rm -rf "$root/source" && mkdir "$root/source"
  tar -xf "$(ls "$root"/python3.13_*.orig.tar.* | grep -v "\.asc$")" -C "$root/source" --strip-components=1
  (
    cd "$root/source"
    ./configure --quiet --disable-gil --prefix="$root/python"
    make -s -j"${JOBS:-2}"
    make -s install
  )
fi

"$python" -c 'import sys; assert not sys._is_gil_enabled(); print(sys.version)'
make --no-print-directory VENV=.venv-3.13t PYTHON="$python" .venv-3.13t/tools
.venv-3.13t/bin/python -m pip install --quiet --only-binary :all: pytest hypothesis numpy pandas
make --no-print-directory VENV=.venv-3.13t .venv-3.13t/installed
PYTHON_GIL=0 .venv-3.13t/bin/python -m pytest -m "not torture" tests/unit tests/reliability
