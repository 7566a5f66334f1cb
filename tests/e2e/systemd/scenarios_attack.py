"""The user _mtasts, who fetches from strangers' web servers, plants links where root works: the system is the same afterwards."""

from __future__ import annotations

from clients import UNIX
from computer import STORE, Computer
from framework import expect, scenario
from store_entry import entry, shard

OLD_STORE = f"{STORE}/opensmtpd"
NEW_STORE = "/var/lib/mtasts-opensmtpd"
AS_ATTACKER = ("setpriv", "--reuid=_mtasts", "--regid=_mtasts", "--clear-groups")
TARGETS = "/etc/sudoers.d /etc/shadow /etc/passwd /etc/gshadow /root/.ssh /etc/cron.d"
# Another folder, a link to root's and the real store take turns below one name, as fast as a shell can.
SWAP = f"""cd {STORE} && mkdir -p own && ln -sfn /etc/sudoers.d evil && ln -sf /etc/shadow own/link
while :; do
  mv -T opensmtpd real && mv -T evil opensmtpd; mv -T opensmtpd evil && mv -T own opensmtpd; mv -T opensmtpd own && mv -T real opensmtpd
done"""
SWAP_SOCKET = f"""cd {UNIX.rpartition('/')[0]} && while :; do
  ln -sfn /etc/shadow link && mv -fT link socketmap.sock
done"""


def rights(machine: Computer) -> str:
    return machine.shell(f"find {TARGETS} -printf '%p %u %g %m %i %y %s\\n' | sort; sha256sum /etc/shadow /etc/sudoers.d/*")


def make_target(machine: Computer) -> None:
    machine.shell("mkdir -p /etc/sudoers.d; echo 'root ALL=(ALL) ALL' >/etc/sudoers.d/own; chmod 440 /etc/sudoers.d/own")
    machine.run("useradd", "--system", "--user-group", "opensmtpd")


def expect_own_files_only(machine: Computer) -> None:
    """In OpenSMTPD's store."""
    other = machine.shell(f"find {NEW_STORE} ! -user opensmtpd -o ! -type f ! -type d")
    expect(not other, f"the store should hold nothing but opensmtpd's own files: {other}")
    expect(machine.run("stat", "-c", "%U %a", NEW_STORE).strip() == "opensmtpd 750", "the store should be opensmtpd's")


@scenario("a link to /etc in the place of OpenSMTPD's old store: an upgrade and a second one leave /etc as it is")
def link_planted(machine: Computer) -> None:
    make_target(machine)
    machine.install(machine.releases.first)
    machine.run("rmdir", OLD_STORE)
    machine.run(*AS_ATTACKER, "ln", "-s", "/etc/sudoers.d", OLD_STORE)
    before = rights(machine)
    for package in (machine.releases.this, machine.releases.this, machine.releases.next):
        machine.install(package)
        expect(rights(machine) == before, f"root's files should be as before: {rights(machine)}")
    expect_own_files_only(machine)
    expect(not machine.exists(f"{NEW_STORE}/own"), "nothing of /etc should be in the store")


@scenario("folders and links swapped while an upgrade takes OpenSMTPD's store over: /etc stays as it is, the policies are opensmtpd's own")
def swapped(machine: Computer) -> None:
    make_target(machine)
    machine.install(machine.releases.first)
    machine.shell(f"su -s /bin/sh opensmtpd -c 'mkdir {OLD_STORE}/{shard('kept.test')}'")
    machine.write(f"{OLD_STORE}/{shard('kept.test')}/kept.test", entry("kept.test", "mx.kept.test"))
    machine.run("chown", "opensmtpd:", f"{OLD_STORE}/{shard('kept.test')}/kept.test")
    before = rights(machine)
    attack = machine.start_process(*AS_ATTACKER, "sh", "-c", SWAP)
    machine.install(machine.releases.this)
    for _ in range(8):
        machine.run("rm", "-rf", NEW_STORE)
        machine.run("/var/lib/dpkg/info/mtasts-opensmtpd.postinst", "configure", "")
        expect_own_files_only(machine)
        expect(rights(machine) == before, f"root's files should be as before: {rights(machine)}")
    attack.kill()


@scenario("upgrade from 0.1.0: OpenSMTPD's policies are taken over by its own user, with the time of their last use")
def taken_over(machine: Computer) -> None:
    make_target(machine)
    machine.install(machine.releases.first)
    place = f"{shard('kept.test')}/kept.test"
    machine.run("install", "-d", "-o", "opensmtpd", "-g", "opensmtpd", f"{OLD_STORE}/{shard('kept.test')}")
    machine.write(f"{OLD_STORE}/{place}", entry("kept.test", "mx.kept.test"))
    machine.run("chown", "opensmtpd:", f"{OLD_STORE}/{place}")
    machine.run("touch", "-d", "@1700000000", f"{OLD_STORE}/{place}")
    told = machine.install(machine.releases.this)
    expect("could not be taken over" not in told, told)
    expect(machine.run("cat", f"{NEW_STORE}/{place}") == machine.run("cat", f"{OLD_STORE}/{place}"), "the policy should be there")
    expect(machine.run("stat", "-c", "%X %Y", f"{NEW_STORE}/{place}").split()[1] == "1700000000", "its time should be the old one's")
    expect_own_files_only(machine)
    expect("mtasts-opensmtpd" in machine.run("mtasts", "config"), "the new store should be the default")


@scenario("upgrade from 0.1.0: the folder for sockets that its guide gave to _mtasts is root's, and _mtasts may still make a socket there")
def socket_folder(machine: Computer) -> None:
    machine.install(machine.releases.first)
    folder = "/var/spool/postfix/mtasts"
    machine.run("install", "-d", "-o", "_mtasts", folder)
    machine.install(machine.releases.this)
    found = machine.run("stat", "-c", "%U %G %a", folder).strip()
    expect(found == "root _mtasts 1775", f"nobody but root should be able to replace root's socket, and the folder is {found}")


@scenario("a link to /etc/shadow in the place of mtastsd's socket while root opens it: /etc/shadow keeps its group")
def socket_swapped(machine: Computer) -> None:
    make_target(machine)
    machine.install_and_enable(machine.releases.this)
    before = rights(machine)
    attack = machine.start_process(*AS_ATTACKER, "sh", "-c", SWAP_SOCKET)
    for _ in range(10):
        machine.shell("systemctl stop mtastsd.service mtastsd.socket; systemctl start mtastsd.socket", check=False)
        expect(rights(machine) == before, f"root's files should be as before: {rights(machine)}")
    attack.kill()
