#!/bin/sh
# The container image where no image can be built: a root with what packaging/container/Containerfile installs, over a root of
# Debian that is there already, and its entry run in namespaces as a runtime would: not root, nothing writable but /run/mtasts and
# the store, no network but loopback.
#
#   sudo tests/container.sh BASE-ROOT PACKAGES-FOLDER      e.g. .lab/machines/bookworm build/package
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
base=$(cd "$1" && pwd)
packages=$(cd "$2" && pwd)
folder=$(mktemp -d)
trap 'umount -R "$folder/root" 2>/dev/null || true; rm -rf "$folder"' EXIT

mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" image "$folder/root"
mkdir -p "$folder/root/packages"
for name in mtasts mtasts-engine-openssl mtastsd; do cp "$packages/${name}"_[0-9]*.deb "$folder/root/packages/"; done
chroot "$folder/root" sh -ec '
  useradd --system --uid 846 --user-group --home-dir /var/lib/mtasts --no-create-home --shell /usr/sbin/nologin _mtasts
  DEBIAN_FRONTEND=noninteractive dpkg -i /packages/*.deb
  install -d -o _mtasts -g _mtasts -m 0755 /run/mtasts'
install -m 0755 "$source/packaging/container/entry" "$folder/root/usr/local/bin/entry"

# shellcheck disable=SC2016  # the inner shells expand them
run() {
  root=$folder/root unshare --mount --pid --net --ipc --uts --fork --kill-child --propagation private sh -ec '
    ip link set lo up
    mount -t proc proc "$root/proc"
    mount -o remount,ro "$root"
    mount -t tmpfs -o mode=0755,uid=846,gid=846 run "$root/run/mtasts"
    mount -t tmpfs -o mode=0750,uid=846,gid=846 store "$root/var/lib/mtasts"
    exec chroot "$root" setpriv --reuid=846 --regid=846 --clear-groups --no-new-privs --bounding-set=-all env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ' sh "$@"
}

echo "== a mistake ends it with 78 and names the variable"
code=0
run MTASTS_LOG_LEVEL=loud entry >"$folder/told" 2>&1 || code=$?
cat "$folder/told"
[ "$code" -eq 78 ] && grep -q MTASTS_LOG_LEVEL "$folder/told"

echo "== it runs, is healthy, answers (Exim, too), and is not root"
run MTASTS_METRICS_LISTEN=inet:127.0.0.1:9461 MTASTS_EXIM_LISTEN=inet:0.0.0.0:8462 MTASTS_RESOLVERS=127.0.0.1 sh -ec '
  entry mtastsd &
  daemon=$!
  for _ in $(seq 100); do ! entry health >/dev/null 2>&1 || break; sleep 0.2; done
  entry health
  entry mtasts ping --exim --socket inet:127.0.0.1:8462
  grep -E "^(Uid|Gid|CapEff|NoNewPrivs):" /proc/$daemon/status
  [ "$(stat -c %u /proc/$daemon)" = 846 ]
  ! touch /etc/written 2>/dev/null
  code=0; entry mtasts query cold.test || code=$?
  [ $code -eq 75 ]
  ls -A /var/lib/mtasts
  kill $daemon
  wait $daemon'
echo "== ended by SIGTERM with 0"
