# shellcheck shell=bash disable=SC2016
# An apt beside the machine's own, for the scripts that source this file. Needs Debian's apt and keys.
#
#   debian_apt FOLDER SUITE [ARCHITECTURE]    sets `get` to an apt-get for the packages and sources of a suite
#
# Nothing counts as installed there: whatever a package needs is fetched, into FOLDER/cache/archives.
debian_apt() {
  local apt=$1 suite=$2 architecture=${3:-} keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror kind
  command -v apt-get >/dev/null || { echo "Debian's apt-get is needed, and is not here" >&2; return 1; }
  # The mirror that this machine uses for its own suite, asked for another one.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  [[ -n $mirror ]] || { echo "apt knows no mirror here: run apt-get update" >&2; return 1; }
  rm -rf "$apt" && mkdir -p "$apt"/{lists/partial,cache/archives/partial}
  for kind in deb deb-src; do echo "$kind [signed-by=$keys] $mirror $suite main"; done >"$apt/sources.list"
  : >"$apt/status"
  get=(apt-get -q -y
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=)
  [[ -z $architecture ]] || get+=(-o APT::Architecture="$architecture" -o APT::Architectures="$architecture")
  "${get[@]}" update
}
