"""`mtasts setup postfix` where systemd opens the sockets: Debian's Postfix, unpacked into the machine."""

from __future__ import annotations

import subprocess

import roots
from clients import UNIX
from computer import Computer
from framework import expect, scenario

QUEUE = "/var/spool/postfix"
BELOW = f"{QUEUE}/mtasts/socketmap.sock"
DROP_IN = "/etc/systemd/system/mtastsd.socket.d/10-setup.conf"
MAIN = "/etc/postfix/main.cf"
POSTFIX = {"bookworm": roots.POSTFIX_3_7, "trixie": roots.POSTFIX_3_10}
OWN_LINES = "# my own\nsmtp_tls_policy_maps = texthash:/etc/postfix/tls_policy\nsmtp_tls_security_level = encrypt\n"


def with_postfix(machine: Computer) -> str:
    """What its packages do, as far as it is asked here. Returns main.cf."""
    [tree] = roots.unpacked(POSTFIX[machine.suite])
    subprocess.run(["cp", "-a", "--no-clobber", f"{tree}/usr", f"{tree}/etc", f"{tree}/var", str(machine.path("/"))], capture_output=True, check=False)
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
