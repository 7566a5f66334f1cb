# What the tests of the mail servers share.
# shellcheck shell=sh disable=SC2034
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
here=$(dirname "$0")
folder=$(mktemp -d)
[ -d /run/systemd/system ] || systemd_less=yes
# As installed it takes port 25 of all addresses, those of the MX hosts too.
[ -n "${systemd_less:-}" ] || systemctl stop 'postfix*' || true
python3 "$here/world.py" start "$folder" &
world=$!
for _ in $(seq 900); do [ ! -e "$folder/ready" ] && kill -0 "$world" || break; sleep 0.2; done
test -e "$folder/ready"
mkdir -p /run/mtasts

say() { echo "== $*"; }

# Where no systemd opens it: the socket at the address given.
start_mtastsd() {
  printf '[socketmap]\nlisten = ["%s"]\nsocket_mode = "0666"\n' "$1" >>/etc/mtasts/mtasts.toml
  mtastsd &
  for _ in $(seq 300); do ! mtasts ping --socket "$1" >/dev/null 2>&1 || return 0; sleep 0.2; done
  mtasts ping --socket "$1"
}

send() { printf 'From: root@sender.test\nTo: %s\nSubject: test\n\ntest\n' "$1" | sendmail "$1"; }

# A policy is fetched; a message to the MX host that it lists arrives verified; one that would go to an impostor waits.
expect_protected() {
  say "mtasts query good.test"
  mtasts query good.test
  say "a message to each domain"
  send someone@forged.test
  send someone@good.test
  python3 "$here/world.py" wait "$folder" "mx.good.test TLSv1" 120
  sleep 3
  ! grep impostor "$folder/arrived" || { echo "the impostor got a message" >&2; exit 1; }
  mailq | grep -q forged.test || { mailq; echo "the message for forged.test should be in the queue" >&2; exit 1; }
  say "the MX host got its message, the impostor none"
}

