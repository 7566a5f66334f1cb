"""Upgrades and a second installation: the sockets stay open, mtastsd is restarted, and who was answered before is answered afterwards."""

from __future__ import annotations

from clients import ANSWER, TCP, UNIX, Clients, ask_once
from computer import CONFIGURATION, KEPT, PATIENCE, Computer, Release
from framework import expect, scenario
from process import wait_for
from scenarios_removal import CONFIGURED
from scenarios_setup import SMTPD, with_opensmtpd


def expect_unharmed_by(machine: Computer, release: Release, *addresses: str | tuple[str, int]) -> str:
    """Installs it under load; returns what it says."""
    before, sockets = machine.main_pid, machine.run("ss", "-Htlnx")
    with Clients(machine, *addresses) as clients:
        told = machine.install(release)
        clients.expect_progress()
    clients.expect_none_lost()
    machine.expect_active("mtastsd.service", "mtastsd.socket")
    expect(machine.main_pid not in (0, before), "the new program should run")
    expect(_inodes(machine.run("ss", "-Htlnx")) == _inodes(sockets), "the sockets should have stayed open")
    return told


def _inodes(listing: str) -> list[list[str]]:
    """Address and number of each listening socket of mtastsd."""
    return sorted(line.split()[4:6] for line in listing.splitlines() if "socketmap.sock" in line)


@scenario("upgrade from 0.1.0 under load: every question is answered on TCP and the unix socket, also after a boot, also for everybody")
def from_first(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.first)
    told = expect_unharmed_by(machine, machine.releases.this, UNIX, TCP)
    expect(KEPT in told, f"the upgrade should say what it keeps: {told}")
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.service", "mtastsd.socket")
    expect(ask_once(machine, TCP) == ANSWER, f"TCP should still answer, and says {ask_once(machine, TCP)}")
    machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "mtasts", "ping", "--socket", f"unix:{UNIX}")


@scenario("upgrade from 0.1.0 where nobody enabled mtastsd: it is neither started nor opened")
def from_first_unused(machine: Computer) -> None:
    machine.install(machine.releases.first)
    machine.install(machine.releases.this)
    expect(not machine.exists(KEPT) and not machine.exists(CONFIGURATION), "there was nothing to keep")
    expect(not machine.is_active("mtastsd.socket") and not machine.is_active("mtastsd.service"), "nobody enabled mtastsd")
    machine.expect_active("mtasts-refresh.timer")


@scenario("upgrade from 0.1.0 where mtastsd opens its sockets itself: the old default of socketmap.listen is written down")
def from_first_without_socket_unit(machine: Computer) -> None:
    machine.write(CONFIGURATION, "[socketmap] # of the administrator\nmax_connections = 100\n")
    machine.install_and_enable(machine.releases.first)
    machine.run("systemctl", "disable", "--now", "mtastsd.socket")
    machine.run("systemctl", "enable", "mtastsd.service", "--no-reload")
    machine.run("rm", "-f", "/etc/systemd/system/sockets.target.wants/mtastsd.socket")
    machine.run("systemctl", "restart", "mtastsd.service")
    machine.install(machine.releases.this)
    machine.expect_active("mtastsd.service")
    for address in (UNIX, TCP):
        expect(ask_once(machine, address) == ANSWER, f"{address} should answer, and says {ask_once(machine, address)}: {machine.run('cat', CONFIGURATION)}")
    expect("max_connections = 100" in machine.run("cat", CONFIGURATION), "the administrator's line should stay")
    expect(not machine.exists(KEPT), "the socket unit is not in use")


@scenario("upgrade to a later release under load: every question is answered, the rights stay narrow")
def to_next(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    expect_unharmed_by(machine, machine.releases.next, UNIX)
    expect(not machine.exists(KEPT), "there is nothing of 0.1 to keep")


@scenario("reinstalled under load: every question is answered")
def reinstalled(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    expect_unharmed_by(machine, machine.releases.this, UNIX)


@scenario("upgrade from 0.2.0, which was one package, under load: every question is answered, the sockets stay open, each file has one owner")
def from_second(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.second)
    before = machine.run("systemctl", "is-enabled", "mtastsd.socket", "mtastsd.service", "mtasts-refresh.timer")
    told = expect_unharmed_by(machine, machine.releases.this, UNIX)
    expect("WARNING" not in told, f"nothing is missing: {told}")
    expect(machine.run("systemctl", "is-enabled", "mtastsd.socket", "mtastsd.service", "mtasts-refresh.timer") == before, "what was enabled should be")
    machine.expect_active("mtasts-refresh.timer")
    machine.expect_verified()
    owners = machine.run("dpkg", "-S", "/usr/sbin/mtastsd", "/usr/bin/mtasts", "/usr/libexec/opensmtpd/table-mtasts").splitlines()
    expect([line.split(":")[0] for line in owners] == ["mtastsd", "mtasts", "mtasts-opensmtpd"], f"each part should have its files: {owners}")
    machine.power_off()
    machine.boot()
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer after a boot, and says {ask_once(machine, UNIX)}")


@scenario("downgrade to 0.2.0, which was one package: it answers as before, also when what is left of the parts is purged, and after a boot")
def back_to_second(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    parts = [name for name in machine.ours if name != "mtasts"]
    machine.run("dpkg", "--force-depends", "-r", *parts)  # as apt does, because they break the older one
    machine.install(machine.releases.second)
    machine.expect_active("mtastsd.service", "mtastsd.socket")
    machine.run("dpkg", "--purge", *parts)
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.socket")
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer after a boot, and says {ask_once(machine, UNIX)}")


@scenario("policy-rc.d says 101: nothing is started by an installation, nothing restarted by an upgrade; without it the same commands do")
def policy_rc_d(machine: Computer) -> None:
    machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    machine.run("chmod", "0755", "/usr/sbin/policy-rc.d")
    machine.install_and_enable(machine.releases.second)
    machine.run("systemctl", "start", "mtastsd.socket", "mtastsd.service")
    before = machine.main_pid
    machine.install(machine.releases.this)
    expect(machine.main_pid == before, "mtastsd should not have been restarted")
    expect(ask_once(machine, UNIX) == ANSWER, f"it should go on answering, and says {ask_once(machine, UNIX)}")
    machine.run("rm", "/usr/sbin/policy-rc.d")
    machine.install(machine.releases.this)
    expect(machine.main_pid not in (0, before), "now it should")
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer, and says {ask_once(machine, UNIX)}")


@scenario("upgrade from 0.2.0 of the command alone: each mail server that needs another part is named, with the package to install")
def parts_left_behind(machine: Computer) -> None:
    machine.install(machine.releases.second)
    for name, text in CONFIGURED.items():
        machine.write(name, text)
    told = machine.install(machine.releases.this.of("mtasts", "mtasts-engine-openssl"))
    for server, package in (("Exim", "mtasts-module"), ("Postfix", "mtastsd"), ("Sendmail", "mtastsd"), ("OpenSMTPD", "mtasts-opensmtpd")):
        expect(f"WARNING: {server} " in told and f"apt install {package};" in told, f"{server} needs {package}: {told}")
    told = machine.install(machine.releases.this)
    expect("WARNING" not in told, f"now nothing is missing: {told}")


def tables(machine: Computer) -> list[str]:
    """The files of the table-mtasts that run; " (deleted)" after one that an upgrade has replaced."""
    return [name for name in machine.shell("readlink /proc/[0-9]*/exe", check=False).splitlines() if "table-mtasts" in name]


def expect_restarted_by(machine: Computer, release: Release) -> None:
    """smtpd, by the installation of this release; its table runs then."""
    expect(wait_for(lambda: tables(machine) != [], PATIENCE), "smtpd should have started its table")
    before = smtpd(machine)
    machine.install(release)
    runs = wait_for(lambda: "MTA" in machine.run("smtpctl", "show", "status", check=False) and tables(machine) != [], PATIENCE)
    expect(runs, f"smtpd should run: {machine.journal('opensmtpd.service')}")
    expect(smtpd(machine) not in (before, ""), f"smtpd should have been restarted: {before}, {smtpd(machine)}")
    expect(not any("deleted" in name for name in tables(machine)), f"its table should be the new one: {tables(machine)}")


@scenario("upgrade with OpenSMTPD: smtpd is restarted, so that its table can look up domains; with a configuration that smtpd refuses it goes on and is named")
def smtpd_is_restarted(machine: Computer) -> None:
    with_opensmtpd(machine)
    machine.install(machine.releases.this)
    told = machine.run("mtasts", "setup", "opensmtpd", "--apply")
    expect("Done." in told, f"setup should apply: {told}")
    expect_restarted_by(machine, machine.releases.next)
    before = smtpd(machine)
    machine.write(SMTPD, machine.run("cat", SMTPD) + "mistake\n")
    told = machine.install(machine.releases.this)
    expect(smtpd(machine) == before, "smtpd should go on")
    expect("WARNING: restart OpenSMTPD" in told, f"the package should say what is to be done: {told}")


@scenario("upgrade from 0.2.0 with OpenSMTPD, its lines in a file that smtpd.conf includes: smtpd is restarted")
def smtpd_of_one_package_is_restarted(machine: Computer) -> None:
    with_opensmtpd(machine)
    machine.install(machine.releases.second)
    machine.run("mtasts", "setup", "opensmtpd", "--apply")
    machine.shell(f"mv {SMTPD} /etc/mail.conf; echo 'include \"/etc/mail.conf\"' >{SMTPD}; systemctl restart opensmtpd.service")
    expect_restarted_by(machine, machine.releases.this)


def smtpd(machine: Computer) -> str:
    """The number of its first process; systemd does not always know which one that is."""
    return machine.shell("grep -l '^smtpd$' /proc/[0-9]*/comm | tr -dc '0-9\\n' | sort -n | head -n 1", check=False).strip()
