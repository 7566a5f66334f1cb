#!/bin/sh
# What sandbox.py runs as process 1 of the new namespaces, before the command:
#   sandbox_setup.sh STAGE TREE REPOSITORY WRITABLE HOST-NAME OWN4 NET4 OWN6 NET6 COMMAND…
# STAGE is a folder to mount things on; WRITABLE a folder of the machine that may be written, or "/" for none.
# Exit code 90: the kernel or the container does not allow it; the reason is the last line of stderr.
set -e
stage=$1 tree=$2 repository=$3 writable=$4 host_name=$5 own4=$6 net4=$7 own6=$8 net6=$9
shift 9
hidden="etc/exim4 etc/knot etc/unbound etc/nginx etc/mtasts etc/aliases etc/mailname
  var/spool/exim4 var/lib/exim4 var/log/exim4 var/lib/mtasts var/mail"
refuse() { echo "sandbox: $1" >&2; exit 90; }
cd "$stage"
mount -t tmpfs -o mode=755 lab "$stage" 2>/dev/null || refuse "mounting is refused here"
cd "$stage"
mkdir upper work root
mount -t overlay lab -o lowerdir=/,upperdir=upper,workdir=work root 2>/dev/null || refuse "overlay mounts are refused here"
cd root
rm -rf $hidden
cp -dR --preserve=mode,timestamps,links "$tree/." .
mount -t proc proc proc 2>/dev/null || refuse "mounting /proc is refused here"
for folder in dev run tmp; do mount -t tmpfs -o mode=755 lab $folder; done
chmod 1777 tmp
for device in null zero full random urandom tty; do : >dev/$device; mount --bind /dev/$device dev/$device; done
mkdir -m 1777 dev/shm run/lock
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mkdir -p "./$repository" "./$writable"
mount --bind "$repository" "./$repository"
mount -o remount,bind,ro "./$repository"
[ "$writable" = / ] || mount --bind "$writable" "./$writable"
hostname $host_name
chroot . ip link set lo up || refuse "the network cannot be set up here"
chroot . ip addr add $own4/32 dev lo
chroot . ip route add local $net4 dev lo src $own4
if chroot . ip -6 addr add $own6/128 dev lo nodad 2>/dev/null; then
  chroot . ip -6 route add local $net6 dev lo
  echo 1 >proc/sys/net/ipv6/ip_nonlocal_bind
fi
cd "$stage"
chroot root "$@"  # not exec: this shell is process 1 and collects orphans
