#!/usr/bin/env bash
# Prints the path of a Python of a version. From 3.14 on, one that is not on this machine is fetched.
#
#   scripts/have-python.sh 3.14
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/find-python.sh "$1" || { [[ ${1#3.} -ge 14 ]] && scripts/newer-python.sh "$1"; }
