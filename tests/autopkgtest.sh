#!/bin/sh
# Runs packaging/debian/tests with Debian's autopkgtest: each test on a machine of its own, booted with systemd in a container, on which
# apt has installed the test's Depends and nothing else of ours.
#
#   sudo tests/autopkgtest.sh SUITE [TEST...]     sudo tests/autopkgtest.sh trixie postfix
#
# The packages are those that "tests/suites.sh SUITE -- package" made. Without a test: all of them. Needs debootstrap's root of
# suites.sh, systemd-nspawn and namespaces; FOLDER is as there. Each test writes a line to build/matrix/SUITE/autopkgtest, and what it
# said to FOLDER/SUITE.TEST.log. Exit 1 if one of them failed.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
folder=${FOLDER:-$source/build/suites}
control=packaging/debian/tests/control
[ $# -gt 0 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 64; }
suite=$1
shift
packages=$folder/$suite/mtasts/build/package
ls "$packages"/*.dsc >/dev/null || { echo "tests/autopkgtest.sh: first run: tests/suites.sh $suite -- package" >&2; exit 1; }

# The suite's root with a systemd and the tool.
make_base() {
  [ ! -d "$folder/$suite.boots" ] || return 0
  rm -rf "$folder/$suite.part"
  cp -a "$folder/$suite.base" "$folder/$suite.part"
  cp /etc/resolv.conf "$folder/$suite.part/etc/"
  chroot "$folder/$suite.part" sh -ec 'export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends systemd-sysv dbus autopkgtest dpkg-dev
    apt-get clean' >"$folder/$suite.boots.log" 2>&1
  mv "$folder/$suite.part" "$folder/$suite.boots"
}

depends_of() { awk -v test="$1" '/^Tests:/ { mine = $2 == test } mine && sub(/^Depends: */, "") { gsub(",", ""); print }' "$control"; }

# In namespaces of its own: a layer in memory over the root, apt with the network and without services, then the machine, which has
# none but loopback. Its unit leaves the tool's summary in /summary. The machine is thrown away and is a container, what the server
# "null" of the tool cannot know.
# shellcheck disable=SC2016  # the inner shell expands them
run_test() {
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private sh -ec '
    base=$1 packages=$2 test=$3 depends=$4
    mount -t tmpfs -o mode=755 lab /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay -o "lowerdir=$base,upperdir=/mnt/upper,workdir=/mnt/work" lab /mnt/root
    cd /mnt/root
    mkdir packages
    cp "$packages"/*.deb "$packages"/*.dsc "$packages"/*.tar.xz packages/
    cp /etc/resolv.conf etc/
    echo 127.0.0.1 localhost >etc/hosts  # debootstrap leaves it to the installer
    printf "#!/bin/sh\nexit 101\n" >usr/sbin/policy-rc.d
    chmod +x usr/sbin/policy-rc.d
    mount -t proc proc proc
    chroot . sh -ec "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
      cd /packages && dpkg-scanpackages . >Packages
      echo deb [trusted=yes] file:/packages ./ >/etc/apt/sources.list.d/packages.list
      apt-get update -q
      apt-get install -q -y --no-install-recommends $depends"
    umount proc
    rm usr/sbin/policy-rc.d
    cat >etc/systemd/system/autopkgtest.service <<UNIT
[Unit]
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
Environment=HOME=/root LC_ALL=C.UTF-8
ExecStart=sh -c "autopkgtest --no-built-binaries --ignore-restrictions=breaks-testbed,isolation-container --test-name=$test --summary-file=/summary /packages/mtasts_*.dsc -- null >/log 2>&1"
UNIT
    mkdir -p etc/systemd/system/default.target.wants
    ln -s ../autopkgtest.service etc/systemd/system/default.target.wants/
    systemd-nspawn -D /mnt/root --boot --private-network --register=no --keep-unit --resolv-conf=off --timezone=off --console=pipe --hostname=lab -q \
      "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self" </dev/null
    cat log
    grep "^$test " summary
  ' sh "$folder/$suite.boots" "$packages" "$1" "$(depends_of "$1")" >"$folder/$suite.$1.log" 2>&1
}

make_base
mkdir -p "build/matrix/$suite"
told=build/matrix/$suite/autopkgtest
touch "$told"
failed=0
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(sed -n 's/^Tests: *//p' "$control")
for test in "$@"; do
  echo "== $suite: autopkgtest $test"
  run_test "$test" || true
  line=$(tail -n 1 "$folder/$suite.$test.log")
  case $line in
    "$test "*PASS*) ;;
    "$test "*) failed=1 ;;
    *) line="$test FAIL no result"; failed=1 ;;
  esac
  sed -i "/^$test /d" "$told"
  echo "$line" | tee -a "$told"
done
exit $failed
