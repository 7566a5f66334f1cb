"""`mtasts setup` where systemd opens the sockets and starts the servers: Debian's, unpacked into the machine."""

from __future__ import annotations

import json
import subprocess
from typing import Callable

import roots
from clients import ANSWER, TCP, UNIX, ask_once
from computer import Computer
from framework import expect, scenario
from store_entry import entry

QUEUE = "/var/spool/postfix"
BELOW = f"{QUEUE}/mtasts/socketmap.sock"
DROP_IN = "/etc/systemd/system/mtastsd.socket.d/10-setup.conf"
MAIN = "/etc/postfix/main.cf"
POSTFIX = {"bookworm": roots.POSTFIX_3_7, "trixie": roots.POSTFIX_3_10, "sid": roots.POSTFIX_NEWEST}
OPENSMTPD = {"bookworm": roots.OPENSMTPD_6_8, "trixie": roots.OPENSMTPD_7_6, "sid": roots.OPENSMTPD_NEWEST}
SMTPD = "/etc/smtpd.conf"
SENDMAIL = {"bookworm": roots.SENDMAIL_8_17, "trixie": roots.SENDMAIL_8_18, "sid": roots.SENDMAIL_NEWEST}
MAIL = "/etc/mail"
EXIM_ANSWERS = {"dc_eximconfig_configtype": "internet", "dc_other_hostnames": "lab.test", "dc_local_interfaces": "127.0.0.1", "dc_use_split_config": "true"}
OWN_LINES = "# my own\nsmtp_tls_policy_maps = texthash:/etc/postfix/tls_policy\nsmtp_tls_security_level = encrypt\n"


def lay_over(machine: Computer, root: roots.Root) -> None:
    """Unpacked packages; what the machine has already stays."""
    [tree] = roots.unpacked(root)
    subprocess.run(["cp", "-a", "--no-clobber", f"{tree}/usr", f"{tree}/etc", f"{tree}/var", str(machine.path("/"))], capture_output=True, check=False)


def with_postfix(machine: Computer) -> str:
    """What its packages do, as far as it is asked here. Returns main.cf."""
    lay_over(machine, POSTFIX[machine.suite])
    machine.shell("ldconfig; useradd --system --home-dir /var/spool/postfix --no-create-home postfix; groupadd --system postdrop; "
                  "install -d -o postfix -m 0700 /var/lib/postfix; cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf; "
                  "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; echo lab.test >/etc/mailname; touch /etc/postfix/tls_policy", check=False)
    machine.run("postconf", "-e", "myhostname = lab.test", "inet_interfaces = loopback-only", "alias_maps =", "alias_database =")
    main = machine.path(MAIN).read_text(encoding="ascii") + OWN_LINES
    machine.write(MAIN, main)
    machine.run("postfix", "start", check=False)
    return main


@scenario("setup postfix: systemd opens a socket that Postfix's user alone reaches, Postfix asks there, and --undo leaves nothing")
def there_and_back(machine: Computer) -> None:
    machine.install(machine.releases.this)
    before = with_postfix(machine)
    done = machine.run("mtasts", "setup", "postfix", "--apply", check=False)
    expect("Done." in done, f"setup --apply failed: {done}")
    machine.expect_active("mtastsd.socket", "mtastsd.service")
    rights = machine.run("stat", "-c", "%A %U %G", BELOW, f"{QUEUE}/mtasts").splitlines()
    expect(rights == ["srw-rw---- root postfix", "drwxr-xr-x root root"], f"the socket should be Postfix's alone: {rights}")
    as_postfix = ("setpriv", "--reuid=postfix", "--regid=postfix", "--clear-groups", "sh", "-c")
    asked = machine.run(*as_postfix, f"cd {QUEUE} && postmap -q cold.test socketmap:unix:mtasts/socketmap.sock:postfix; echo $?", check=False)
    expect(asked.strip() == "1", f"Postfix should be told that there is no policy: {asked}")
    maps = machine.run("postconf", "-h", "smtp_tls_policy_maps", "smtp_tls_security_level").splitlines()
    expect(maps[0].startswith("texthash:/etc/postfix/tls_policy, socketmap:unix:mtasts/socketmap.sock:postfix") and maps[1] == "encrypt",
           f"the administrator's map comes first and the level stays: {maps}")
    daemon = json.loads(machine.run("mtasts", "status", "--json", check=False))["daemon"]
    expect(daemon["socket"] == f"unix:{BELOW}" and daemon["answers"], f"status should try the socket that Postfix asks: {daemon}")
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.socket")
    again = machine.run("mtasts", "setup", "postfix", "--apply", check=False)
    expect("Nothing to do" in again, f"after a boot nothing should be left to do: {again}")
    undone = machine.run("mtasts", "setup", "postfix", "--undo", check=False)
    expect("Done." in undone, f"setup --undo failed: {undone}")
    expect(machine.path(MAIN).read_text(encoding="ascii") == before, "main.cf should have the bytes from before")
    machine.expect_gone(DROP_IN, "/etc/mtasts/setup", UNIX, BELOW, f"{QUEUE}/mtasts")
    expect(not machine.is_active("mtastsd.socket"), "nobody had enabled mtastsd before")
    machine.run("systemctl", "start", "mtastsd.service")
    machine.run("mtasts", "setup", "postfix", "--apply", check=False)
    undone = machine.run("mtasts", "setup", "postfix", "--undo", check=False)
    expect("Done." in undone, f"setup --undo failed: {undone}")
    expect(machine.is_active("mtastsd.service") and not machine.is_active("mtastsd.socket"), "who asked mtastsd before should still be answered")


@scenario("setup postfix: a second --apply that fails leaves mtastsd running, which the first one's lines ask; one that has nothing to do sees that it answers")
def second_apply(machine: Computer) -> None:
    machine.install(machine.releases.this)
    with_postfix(machine)
    machine.run("mtasts", "setup", "postfix", "--apply")
    applied = machine.path(MAIN).read_text(encoding="ascii")
    machine.write(MAIN, applied + "smtp_tls_policy_maps = texthash:/etc/postfix/other\nmail_owner = nosuch\n")
    refused = machine.run("mtasts", "setup", "postfix", "--apply", check=False)
    expect("as they were before" in refused, f"a user that is not there should be refused: {refused}")
    machine.expect_active("mtastsd.socket", "mtastsd.service")
    machine.write(MAIN, applied)
    machine.run("mtasts", "ping", "--socket", f"unix:{BELOW}")
    machine.run("systemctl", "stop", "mtastsd.service", "mtastsd.socket")
    told = machine.run("mtasts", "setup", "postfix", "--apply", check=False)
    expect("does not answer" in told and "Nothing to do" not in told, f"mtastsd has been stopped, and setup says: {told}")
    expect(machine.path(MAIN).read_text(encoding="ascii") == applied, "main.cf should not have changed")


def with_opensmtpd(machine: Computer) -> str:
    """What its package does. Returns smtpd.conf."""
    lay_over(machine, OPENSMTPD[machine.suite])
    machine.shell("ldconfig; for name in opensmtpd opensmtpq; do useradd --system --user-group --home-dir /var/lib/opensmtpd/empty $name; done; "
                  "install -d -m 0711 /var/lib/opensmtpd/empty /var/spool/smtpd; chgrp opensmtpq /usr/sbin/smtpctl; chmod 2755 /usr/sbin/smtpctl; "
                  "echo lab.test >/etc/mailname; touch /etc/aliases; echo 127.0.0.1 localhost >>/etc/hosts; systemctl daemon-reload")
    machine.run("systemctl", "start", "opensmtpd.service")
    return machine.path(SMTPD).read_text(encoding="ascii")


@scenario("setup opensmtpd: applied and undone several times in a row smtpd runs all the while; by lines that end smtpd it is not left down")
def smtpd_goes_on(machine: Computer) -> None:
    before = with_opensmtpd(machine)
    machine.install(machine.releases.this)
    for _ in range(4):
        for step in ("--apply", "--undo"):
            told = machine.run("mtasts", "setup", "opensmtpd", step, check=False)
            expect("Done." in told, f"setup {step} failed: {told}")
            machine.run("smtpctl", "show", "status")
    expect(machine.path(SMTPD).read_text(encoding="ascii") == before, "smtpd.conf should have the bytes from before")
    machine.run("chmod", "-x", "/usr/libexec/opensmtpd/table-mtasts")
    refused = machine.run("mtasts", "setup", "opensmtpd", "--apply", check=False)
    expect("as they were before" in refused, f"a table that cannot be started should be refused: {refused}")
    machine.expect_active("opensmtpd.service")
    machine.run("smtpctl", "show", "status")
    expect(machine.path(SMTPD).read_text(encoding="ascii") == before, "smtpd.conf should have the bytes from before")


def with_sendmail(machine: Computer) -> dict[str, bytes]:
    """What its packages do, as far as it is asked here: above all the rights in /etc/mail. Returns its files."""
    lay_over(machine, SENDMAIL[machine.suite])
    machine.shell("""hostname lab.test; echo "127.0.1.1 lab.test" >>/etc/hosts; ldconfig
        for name in smmta smmsp; do useradd --system --user-group --home-dir /var/lib/sendmail $name; done
        install -d -o smmta -g smmsp -m 2755 /etc/mail /etc/mail/m4; install -d -o smmta -g smmsp -m 2750 /var/spool/mqueue
        for name in dialup provider; do install -o root -g smmsp -m 0640 /dev/null /etc/mail/m4/$name.m4; done
        cp /usr/share/sendmail/cf/debian/sendmail.mc /etc/mail; touch /etc/mail/access /etc/mail/local-host-names /etc/mail/aliases
        m4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf; ln -sf /usr/libexec/sendmail/sendmail /usr/sbin/sendmail-mta
        /usr/libexec/sendmail/makemap hash /etc/mail/access </dev/null; sendmail-mta -bi; systemctl daemon-reload""")
    machine.run("systemctl", "start", "sendmail.service")
    return sendmail_files(machine)


def sendmail_files(machine: Computer) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(machine.path(MAIL).iterdir()) if path.suffix in (".mc", ".cf", ".m4")}


@scenario("setup sendmail: with the rights that Debian gives its files, and its unit, which cannot reload; --undo gives back the same bytes")
def sendmail_there_and_back(machine: Computer) -> None:
    before = with_sendmail(machine)
    machine.install(machine.releases.this)
    done = machine.run("mtasts", "setup", "sendmail", "--apply", check=False)
    expect("Done." in done, f"setup --apply failed: {done}")
    machine.expect_active("mtastsd.socket", "mtastsd.service", "sendmail.service")
    asked = machine.run("sendmail-mta", "-bt", text="/map sts cold.test\n")
    expect("no match (68)" in asked, f"Sendmail should be told that there is no policy: {asked}")
    again = machine.run("mtasts", "setup", "sendmail", "--apply", check=False)
    expect("Nothing to do" in again, f"a second time nothing should be left: {again}")
    undone = machine.run("mtasts", "setup", "sendmail", "--undo", check=False)
    expect("Done." in undone and sendmail_files(machine) == before, f"setup --undo failed: {undone}")
    machine.expect_gone(DROP_IN, "/etc/mtasts/setup", "/run/mtasts-sendmail/socketmap.sock")


UNITS = ("mtastsd.service", "mtastsd.socket", "mtastsd-exim.socket")
# What is enabled before: plain activation by the socket, both, nothing, and last a mtastsd that opens its sockets itself.
BEFORE = (("mtastsd.socket",), ("mtastsd.service", "mtastsd.socket"), (), ("mtastsd.service",))


def only(machine: Computer, wanted: tuple[str, ...]) -> None:
    """These units are enabled and run, and no others of ours."""
    machine.run("systemctl", "disable", "--now", *UNITS)
    for unit in wanted:
        machine.run("systemctl", "enable", unit)
    if "mtastsd.socket" not in wanted:
        machine.run("systemctl", "disable", "mtastsd.socket")  # which the service takes along
    for unit in reversed(wanted):
        machine.run("systemctl", "start", unit)


def enabled(machine: Computer) -> dict[str, str]:
    return {unit: machine.run("systemctl", "is-enabled", unit, check=False).strip() for unit in UNITS}


def expect_units_back(machine: Computer, server: str, spoil: Callable[[], object], restore: Callable[[], object]) -> None:
    """`spoil` makes an --apply fail after it has started mtastsd, `restore` takes that back. Mail still finds mtastsd after a boot."""
    machine.write("/etc/mtasts/mtasts.toml", '[socketmap]\nlisten = ["inet:127.0.0.1:8461"]\n')
    machine.cache("kept.test", entry("kept.test", "mx.kept.test"))
    for wanted in BEFORE:
        only(machine, wanted)
        before = enabled(machine)
        expect([unit for unit in UNITS if before[unit] == "enabled"] == [unit for unit in UNITS if unit in wanted], f"{wanted} should be enabled: {before}")
        told = machine.run("mtasts", "setup", server, "--apply", check=False)
        expect("Done." in told, f"setup --apply failed with {wanted} enabled: {told}")
        own = "mtastsd-exim.socket" if server == "exim" else "mtastsd.socket"
        expect(enabled(machine) == {**before, "mtastsd.service": "enabled", own: "enabled"}, f"with {before} before, --apply should leave other units alone: {enabled(machine)}")
        told = machine.run("mtasts", "setup", server, "--undo", check=False)
        expect("Done." in told, f"setup --undo failed with {wanted} enabled: {told}")
        expect(enabled(machine) == before, f"after --undo what was enabled should be: {before}, and it is {enabled(machine)}")
        spoil()
        told = machine.run("mtasts", "setup", server, "--apply", check=False)
        expect("as they were before" in told, f"it should be refused and taken back: {told}")
        restore()
        expect(enabled(machine) == before, f"after a failed --apply what was enabled should be: {before}, and it is {enabled(machine)}")
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.service")
    expect(ask_once(machine, TCP) == ANSWER, f"mtastsd opens its own socket, and says {ask_once(machine, TCP)}")


@scenario("setup postfix: whatever is enabled before is enabled after --undo and after an --apply that fails, and answers after a boot")
def units_of_postfix(machine: Computer) -> None:
    machine.install(machine.releases.this)
    main = with_postfix(machine)
    expect_units_back(machine, "postfix", lambda: machine.write(MAIN, main + "mail_owner = nosuch\n"), lambda: machine.write(MAIN, main))


def with_exim(machine: Computer) -> None:
    """Debian's default one, which asks by socket, with what its packages do, as far as it is asked here."""
    lay_over(machine, roots.EXIM_LIGHT_4_96)
    machine.shell("""ldconfig; useradd --system --user-group --home-dir /var/spool/exim4 --no-create-home Debian-exim
        install -d -o Debian-exim -g Debian-exim -m 2750 /var/spool/exim4 /var/log/exim4; install -d /var/lib/exim4; echo lab.test >/etc/mailname; touch /etc/aliases""")
    machine.write("/etc/exim4/update-exim4.conf.conf", "".join(f"{name}='{value}'\n" for name, value in EXIM_ANSWERS.items()))
    machine.run("update-exim4.conf")


@scenario("setup exim: by socket, whatever is enabled before is enabled after --undo and after an --apply that fails, and mtastsd.socket is left alone")
def units_of_exim(machine: Computer) -> None:
    machine.install(machine.releases.this)
    with_exim(machine)
    macros = "/etc/exim4/conf.d/main/000_localmacros"
    expect_units_back(machine, "exim", lambda: machine.write(macros, "MTASTS_ASK = twice\n"), lambda: machine.run("rm", macros))


@scenario("setup exim: an --apply that has nothing to do sees that mtastsd has been stopped")
def exim_without_mtastsd(machine: Computer) -> None:
    machine.install(machine.releases.this)
    with_exim(machine)
    machine.run("mtasts", "setup", "exim", "--apply")
    again = machine.run("mtasts", "setup", "exim", "--apply", check=False)
    expect("Nothing to do" in again, f"a second time nothing should be left: {again}")
    machine.run("systemctl", "disable", "--now", "mtastsd-exim.socket", "mtastsd.service")
    told = machine.run("mtasts", "setup", "exim", "--apply", check=False)
    expect("failed to connect" in told and "Nothing to do" not in told, f"mtastsd has been stopped, and setup says: {told}")
    undone = machine.run("mtasts", "setup", "exim", "--undo", check=False)
    expect("Done." in undone, f"setup --undo failed: {undone}")


@scenario("setup postfix: what a second --apply starts, after one for a mtastsd that opens its own socket, is gone after --undo")
def second_apply_starts_more(machine: Computer) -> None:
    machine.install(machine.releases.this)
    before = with_postfix(machine)
    machine.write("/etc/mtasts/mtasts.toml", '[socketmap]\nlisten = ["inet:127.0.0.1:8461"]\n')
    only(machine, ("mtastsd.service",))
    for words in (("--socket", "inet:127.0.0.1:8461", "--apply"), ("--replace", "--apply"), ("--undo",)):
        told = machine.run("mtasts", "setup", "postfix", *words, check=False)
        expect("Done." in told, f"setup {words} failed: {told}")
    expect(machine.path(MAIN).read_text(encoding="ascii") == before, "main.cf should have the bytes from before")
    expect(enabled(machine) == {**dict.fromkeys(UNITS, "disabled"), "mtastsd.service": "enabled"}, f"mtastsd.service alone was enabled: {enabled(machine)}")
    expect(machine.is_active("mtastsd.service") and not machine.is_active("mtastsd.socket"), "mtastsd should open its own socket again")
    machine.expect_gone(DROP_IN, BELOW, f"{QUEUE}/mtasts")
