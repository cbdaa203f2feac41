#!/usr/bin/env bash
# Prints the path of a Python that attolog can be built with: it has venv and the C headers.
#
#   scripts/find-python.sh         at least 3.11; $PYTHON, if set, and no other
#   scripts/find-python.sh 3.13    that version
#
# Looked for on PATH, among pyenv's versions and those that newer-python.sh has fetched. Status 1, and one
# line on stderr: there is none.
set -euo pipefail

wanted=${1:-}
known=(3.15 3.14 3.13 3.12 3.11)
fetched=$(cd "$(dirname "$0")/.." && pwd)/build/pythons

# HOME may be another one than the user's, as in a clean room: all that may be meant.
pyenv_roots() {
  [[ -z ${PYENV_ROOT:-} ]] || echo "$PYENV_ROOT"
  ! command -v pyenv >/dev/null || pyenv root
  local home
  home=$(getent passwd "$(id -u)" | cut -d: -f6) || home=$HOME
  echo "$home/.pyenv"
}

installed() {  # Pythons of this version that are not on PATH, the latest first
  while read -r root; do
    ls -d "$root/versions/$1".*/bin/python 2>/dev/null | sort -rV || true
  done < <(pyenv_roots)
  ls "$fetched/$1/usr/bin/python$1" 2>/dev/null || true
}

candidates() {
  local version
  if [[ -n $wanted ]]; then
    type -ap "python$wanted" || true
    installed "$wanted"
    return
  fi
  for version in 3 "${known[@]}"; do type -ap "python$version" || true; done
  for version in "${known[@]}"; do installed "$version"; done
}

# A shim of pyenv's stands for a Python that may not be there: ask each.
is_good() {
  "$1" - "$wanted" >/dev/null 2>&1 <<'PYTHON'
import ensurepip, os, sys, sysconfig, venv
version = "%d.%d" % sys.version_info[:2]
good = version == sys.argv[1] if sys.argv[1] else sys.version_info >= (3, 11)
sys.exit(not (good and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))))
PYTHON
}

if [[ -z $wanted && -n ${PYTHON:-} ]]; then
  is_good "$PYTHON" && command -v "$PYTHON" && exit
  echo "PYTHON=$PYTHON is no Python 3.11 or later with venv and headers" >&2
  exit 1
fi
while read -r python; do
  if is_good "$python"; then
    echo "$python"
    exit
  fi
done < <(candidates)
echo "no Python ${wanted:-3.11 or later} with venv and headers is here" >&2
exit 1
