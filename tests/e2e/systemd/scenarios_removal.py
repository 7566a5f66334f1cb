"""Removal and purge: who is left without mtastsd is told before, and nothing that cannot be used any more stays."""

from __future__ import annotations

from clients import ANSWER, UNIX, ask_once
from computer import KEPT, STORE, Computer
from framework import expect, scenario
from scenarios_setup import MAIN, with_exim, with_postfix

SETUP = "/etc/systemd/system/mtastsd.socket.d/10-setup.conf"
CONFIGURED = {
    "/etc/exim4/conf.d/router/150_mtasts": "mta_sts_policy:\n  address_data = ${dlfunc{MTASTS_SO}{mta_sts_route}{$domain}}\n",
    "/etc/postfix/main.cf": "smtp_tls_policy_maps = hash:/etc/postfix/tls,\n  socketmap:unix:mtasts/socketmap.sock:postfix\n",
    "/etc/smtpd.conf": "table mtasts mtasts:/etc/mtasts/mtasts.toml\n",
    "/etc/mail/sendmail.mc": "include(`/etc/mail/mtasts.m4')dnl\n",
}
BY_SOCKET = "/etc/exim4/conf.d/main/05_mtasts"
SHIPPED = "/usr/share/mtasts/exim-socket/conf.d/main/05_mtasts"
OWN = "/etc/tmpfiles.d/mtasts.conf"
NAMES = {"exim": "Exim", "postfix": "Postfix", "opensmtpd": "OpenSMTPD", "sendmail": "Sendmail"}


@scenario("remove: the sockets are gone, whoever asks is refused at once; installed again, it answers as before")
def removed(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    told = machine.uninstall()
    expect("WARNING" not in told, f"no mail server uses it, so there is nothing to warn of: {told}")
    machine.expect_gone(UNIX)
    for unit in ("mtastsd.service", "mtastsd.socket", "mtasts-refresh.timer"):
        expect(not machine.is_active(unit), f"{unit} should have ended")
    expect(machine.exists(STORE), "the store should stay")
    machine.install(machine.releases.this)
    machine.expect_active("mtastsd.service", "mtastsd.socket")  # they were enabled, and mail servers may still ask
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer, and says {ask_once(machine, UNIX)}")


@scenario("remove: each mail server whose configuration uses mtasts is named, with what happens and the command against it")
def warned(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    for name, text in CONFIGURED.items():
        machine.write(name, text)
    told = machine.uninstall()
    warnings = {server: [line for line in told.splitlines() if f"WARNING: {server} " in line] for server in NAMES.values()}
    for (command, server), name in zip(NAMES.items(), CONFIGURED):
        expect(len(warnings[server]) == 1 and name in warnings[server][0], f"{server} should be warned of once, with {name}: {told}")
        expect(f"mtasts setup {command} --undo" in told, f"the command for {server} should be told: {told}")


@scenario("remove: smtpd whose lines are in a file that smtpd.conf includes is named, too")
def warned_of_included(machine: Computer) -> None:
    machine.install(machine.releases.this)
    machine.write("/etc/smtpd.conf", 'include "/etc/mail.conf"\n')
    machine.write("/etc/mail.conf", "table mtasts mtasts:/etc/mtasts/mtasts.toml\n")
    told = machine.uninstall()
    expect("WARNING: OpenSMTPD " in told and "/etc/mail.conf" in told, f"smtpd should be named, with the file: {told}")


@scenario("remove: Exim by socket is warned of mtastsd alone, by the file that the package brings; in comments it is not")
def warned_by_socket(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    shipped = machine.run("cat", SHIPPED)
    machine.write(BY_SOCKET, "".join(f"# {line}\n" for line in shipped.splitlines()))
    told = machine.run("/usr/share/mtasts/still-used", "mtastsd", check=False)
    expect("WARNING" not in told, f"comments use nothing: {told}")
    machine.write(BY_SOCKET, shipped)
    told = machine.uninstall()
    warnings = [line for line in told.splitlines() if "WARNING: Exim " in line]
    expect(len(warnings) == 1 and BY_SOCKET in warnings[0], f"Exim should be warned of once, with {BY_SOCKET}: {told}")
    expect("Without mtastsd it defers all mail to other sites" in told, f"the effect should be told: {told}")
    expect("mtasts setup exim --undo" in told, f"the command should be told: {told}")


@scenario("remove: mtasts setup --undo ends well where mtastsd was removed before it")
def undone_after_removal(machine: Computer) -> None:
    machine.install(machine.releases.this)
    main = with_postfix(machine)
    set_up_remove_and_undo(machine, "postfix")
    expect(machine.path(MAIN).read_text(encoding="ascii") == main, "main.cf should have the bytes from before")
    machine.expect_gone(SETUP, "/var/spool/postfix/mtasts")
    machine.run("postfix", "stop")
    machine.install(machine.releases.this)
    with_exim(machine)
    set_up_remove_and_undo(machine, "exim")
    machine.expect_gone(BY_SOCKET)


def set_up_remove_and_undo(machine: Computer, server: str) -> None:
    told = machine.run("mtasts", "setup", server, "--apply", check=False)
    expect("Done." in told, f"setup {server} --apply failed: {told}")
    machine.run("dpkg", "-r", "mtastsd")
    told = machine.run("mtasts", "setup", server, "--undo", check=False)
    expect("Done." in told, f"setup {server} --undo failed after the removal: {told}")
    machine.expect_gone("/etc/mtasts/setup")


@scenario("remove: what is commented out does not use mtasts; an upgrade does not warn")
def not_warned(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    for name, text in CONFIGURED.items():
        machine.write(name, text)
    told = machine.install(machine.releases.next)
    expect("WARNING" not in told, f"an upgrade is no removal: {told}")
    for name, text in CONFIGURED.items():
        machine.write(name, "".join(f"# {line}\n" for line in text.splitlines()))
    told = machine.uninstall()
    expect("WARNING" not in told, f"comments use nothing: {told}")


@scenario("purge: no store, no socket, no drop-in and no unit is left, also of what 0.1.0 and setup left; installed again, it works")
def purged(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.first)
    machine.run("useradd", "--system", "opensmtpd")
    machine.install(machine.releases.this)
    machine.write(SETUP, "[Socket]\nListenStream=/var/spool/postfix/mtasts/socketmap.sock\n"
                  "ListenStream=/run/mtasts-sendmail/socketmap.sock\n")
    machine.shell("systemctl daemon-reload; systemctl stop mtastsd.service; systemctl restart mtastsd.socket; systemctl start mtastsd.service")
    expect(ask_once(machine, "/var/spool/postfix/mtasts/socketmap.sock") == ANSWER, "the socket that setup names should answer")
    machine.write(OWN, "# of the administrator\n")
    # It ended badly the last time.
    machine.shell("""mkdir /run/systemd/system/mtastsd.service.d; printf '[Service]\\nRestart=no\\n' >/run/systemd/system/mtastsd.service.d/no.conf
        systemctl daemon-reload; systemctl kill --signal=KILL mtastsd.service; sleep 0.5
        rm -r /run/systemd/system/mtastsd.service.d; systemctl daemon-reload""")
    failed = machine.run("systemctl", "is-failed", "mtastsd.service", check=False).strip()
    expect(failed == "failed", f"its unit should have failed: {failed}")
    machine.uninstall("--purge")
    expect(machine.exists(OWN), f"{OWN} is the administrator's")
    machine.expect_gone(STORE, f"{STORE}-opensmtpd", "/run/mtasts", KEPT, SETUP, "/etc/systemd/system/mtastsd.socket.d", "/var/spool/postfix/mtasts", "/run/mtasts-sendmail",
                        "/etc/systemd/system/*/mtasts*")
    units = machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "mtasts*").strip()
    expect(not units, f"systemd should know no unit of ours: {units}")
    expect("8461" not in machine.run("ss", "-Htln"), "nothing should listen any more")
    machine.install_and_enable(machine.releases.this)
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer, and says {ask_once(machine, UNIX)}")
