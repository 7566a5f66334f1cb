#!/bin/sh
# Runs ./dev in fresh roots of Debian's releases, as a newcomer does: from an unpacked archive, with nothing installed.
#
#   sudo tests/suites.sh [SUITE...] -- COMMAND [ARGUMENT...]     sudo tests/suites.sh trixie sid -- package
#
# Without a suite: bookworm, trixie and sid. It needs debootstrap, and namespaces as the demo does. The roots are
# FOLDER/SUITE, thrown away at the next run; FOLDER/SUITE.base is kept. FOLDER is build/suites unless the environment says
# otherwise, as MIRROR is http://deb.debian.org/debian. CCACHE is a folder of ccache that the roots share; DEB_BUILD_OPTIONS is
# handed on. Exit 1 if one of them failed.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
folder=${FOLDER:-$source/build/suites}
mirror=${MIRROR:-http://deb.debian.org/debian}

suites=
while [ $# -gt 0 ] && [ "$1" != -- ]; do suites="$suites $1"; shift; done
[ $# -gt 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 64; }
shift

make_root() {
  if [ ! -d "$folder/$1.base" ]; then
    debootstrap --variant=minbase --include=ca-certificates "$1" "$folder/$1.part" "$mirror"
    cp /etc/apt/apt.conf.d/* "$folder/$1.part/etc/apt/apt.conf.d/"  # a proxy, as a rule
    mv "$folder/$1.part" "$folder/$1.base"
  fi
  rm -rf "${folder:?}/$1"
  cp -a "$folder/$1.base" "$folder/$1"
  cp /etc/resolv.conf /etc/hosts "$folder/$1/etc/"
  if [ -n "${CCACHE:-}" ]; then
    chroot "$folder/$1" sh -ec 'apt-get update -q && apt-get install -q -y --no-install-recommends ccache'
    mkdir -p "$CCACHE" "$folder/$1/ccache"
  fi
  mkdir "$folder/$1/mtasts"
  tar -c --exclude=./build --exclude=./.lab --exclude=./.git . | tar -x -C "$folder/$1/mtasts"
}

# The root is a mount, so that the sandboxes within can make theirs private.
# shellcheck disable=SC2016  # the inner shell expands them
enter() {
  root=$folder/$1
  shift
  root=$root unshare --mount --pid --fork --kill-child --propagation private sh -ec '
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    for name in sys dev; do mount --rbind "/$name" "$root/$name"; done
    mount -t tmpfs tmpfs "$root/tmp"
    path=/usr/sbin:/usr/bin:/sbin:/bin
    [ -z "${CCACHE:-}" ] || { mount --bind "$CCACHE" "$root/ccache"; path=/usr/lib/ccache:$path; }
    exec env -i PATH=$path HOME=/root LC_ALL=C.UTF-8 CCACHE_DIR=/ccache DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-}" chroot "$root" sh -c '\''cd /mtasts && exec ./dev "$@"'\'' sh "$@"
  ' sh "$@"
}

mkdir -p "$folder"
failed=0
for suite in ${suites:-bookworm trixie sid}; do
  echo "== $suite: ./dev $*"
  begin=$(date +%s)
  make_root "$suite"
  made=$(date +%s)
  if enter "$suite" "$@"; then end=succeeded; else end=failed failed=1; fi
  echo "== $suite: ./dev $* $end after $(($(date +%s) - made)) s (and $((made - begin)) s for the root)"
done
exit $failed
