"""Who may read the store: the mail server that does so itself, and nobody else of this machine's users. Never so few that mail waits for it."""

from __future__ import annotations

import socket
import subprocess
import threading

import roots
from clients import ANSWER, UNIX, ask_once
from computer import CONFIGURATION, STORE, Computer
from framework import expect, scenario
from store_entry import entry

EXIM = {"bookworm": roots.EXIM_4_96, "trixie": roots.EXIM_4_98, "sid": roots.EXIM_NEWEST}
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
AS_EXIM = ("setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups")
CONFIG = "/etc/exim4/test.conf"
PORT = 2525
# The router asks as root. HELO's name is expanded by the transport, in a process of Exim's own user; the filter runs before both.
EXIM_CONFIG = """primary_hostname = lab.test
log_file_path = /var/log/exim4/%slog
system_filter = /etc/exim4/test.filter
never_users =
begin routers
out:
  driver = manualroute
  address_data = ${{dlfunc{{{module}}}{{mta_sts_route}}{{$domain}}}}
  route_list = * 127.0.0.1 byname
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = 2525
  helo_data = ${{dlfunc{{{module}}}{{mta_sts_mode}}{{$domain}}}}.helo
"""
FILTER = """# Exim filter
logfile /var/log/exim4/filter.log 0640
logwrite "filter: ${{dlfunc{{{module}}}{{mta_sts_mode}}{{kept.test}}}}"
"""


def rights(machine: Computer, folder: str = STORE) -> str:
    return machine.run("stat", "-c", "%a %U %G", folder).strip()


def with_policy(machine: Computer) -> None:
    machine.cache("kept.test", entry("kept.test", "mx.kept.test"))


def with_exim(machine: Computer) -> str:
    """What its packages do, as far as it is asked here. Returns the path of the module, which need not be there yet."""
    [tree] = roots.unpacked(EXIM[machine.suite])
    subprocess.run(["cp", "-a", "--no-clobber", f"{tree}/usr", f"{tree}/etc", f"{tree}/var", str(machine.path("/"))], capture_output=True, check=False)
    machine.run("ldconfig")
    machine.run("useradd", "--system", "--user-group", "--home-dir", "/var/spool/exim4", "--no-create-home", "Debian-exim")
    machine.shell("install -d -o Debian-exim -g Debian-exim -m 0750 /var/spool/exim4 /var/spool/exim4/db /var/spool/exim4/input "
                  "/var/spool/exim4/msglog /var/log/exim4; chmod 4755 /usr/sbin/exim4")
    return machine.shell("ls /usr/lib/*/mtasts/mtasts.so").strip()


def configure_exim(machine: Computer, module: str) -> None:
    machine.write(CONFIG, EXIM_CONFIG.format(module=module))
    machine.write("/etc/exim4/test.filter", FILTER.format(module=module))
    machine.run("chown", "root:root", CONFIG, "/etc/exim4/test.filter")


def greeting(machine: Computer) -> str:
    """How Exim greets the host that it delivers a message for kept.test to."""
    heard: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        machine.enter_network()
        with socket.create_server(("127.0.0.1", PORT)) as server:
            server.settimeout(30)
            listening.set()
            try:
                connection, _ = server.accept()
            except TimeoutError:
                return
            with connection:
                connection.settimeout(30)
                connection.sendall(b"220 mx.kept.test\r\n")
                heard.append(connection.recv(1024).decode("ascii", "replace").strip())
                connection.sendall(b"421 later\r\n")

    thread = threading.Thread(target=listen)
    thread.start()
    listening.wait(30)
    machine.run("exim4", "-C", CONFIG, "-odf", "bob@kept.test", text="Subject: hello\n\nhello\n", check=False)
    thread.join()
    return heard[0] if heard else "nothing: " + machine.shell("tail -n 5 /var/log/exim4/mainlog /var/log/exim4/paniclog", check=False)


def expect_exim_reads(machine: Computer, module: str) -> None:
    for user in ((), AS_EXIM):
        told = machine.run(*user, "exim4", "-C", CONFIG, "-be", f"${{dlfunc{{{module}}}{{mta_sts_route}}{{kept.test}}}}", check=False)
        expect("enforce|" in (line[:8] for line in told.splitlines()), f"{user or 'root'} should be told the policy: {told}")
    told = greeting(machine)
    expect(told == "EHLO enforce.helo", f"router and transport should both be told the policy: {told}")
    expect("filter: enforce" in machine.run("cat", "/var/log/exim4/filter.log"), "the filter should be told it, too")


@scenario("upgrade from 0.1.0: the store is closed to other users, mtastsd and the timer go on, and who may not look is told who may")
def closed(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.first)
    expect(rights(machine) == "755 _mtasts _mtasts", f"0.1.0 left it open: {rights(machine)}")
    machine.install(machine.releases.this)
    expect(rights(machine) == "750 _mtasts _mtasts", f"it should be closed: {rights(machine)}")
    told = machine.run(*AS_NOBODY, "mtasts", "query", "kept.test", check=False)
    expect("run this program as root" in told and "group _mtasts" in told, f"nobody should be told who may look: {told}")
    expect("enforce" in machine.run("mtasts", "query", "kept.test"), "root may look")
    expect("Permission denied" in machine.run(*AS_NOBODY, "ls", STORE, check=False), "nobody should not see whom this machine mails")
    machine.power_off()
    machine.boot()
    expect(rights(machine) == "750 _mtasts _mtasts", f"it should stay closed: {rights(machine)}")
    machine.expect_active("mtastsd.service")
    expect(ask_once(machine, UNIX) == ANSWER, f"mtastsd should answer, and says {ask_once(machine, UNIX)}")
    machine.run("systemctl", "start", "mtasts-refresh.service")
    machine.shell("rm -r /var/lib/mtasts; systemd-tmpfiles --create /usr/lib/tmpfiles.d/mtasts.conf")
    expect(rights(machine) == "750 _mtasts _mtasts", f"systemd-tmpfiles alone should make it: {rights(machine)}")


@scenario("upgrade from 0.1.0 with Exim: routers, transports and filters read the store, nobody else does, also after a boot and with mtastsd")
def closed_but_for_exim(machine: Computer) -> None:
    machine.install(machine.releases.first)
    module = with_exim(machine)
    configure_exim(machine, module)
    with_policy(machine)
    expect_exim_reads(machine, module)
    machine.run("systemctl", "enable", "--now", "mtastsd.socket", "mtastsd.service")
    machine.install(machine.releases.this)
    expect(rights(machine) == "750 _mtasts Debian-exim", f"Exim's group should read it: {rights(machine)}")
    expect_exim_reads(machine, module)
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.service")
    expect(rights(machine) == "750 _mtasts Debian-exim", f"a boot and mtastsd should leave it so: {rights(machine)}")
    expect_exim_reads(machine, module)
    expect(ask_once(machine, UNIX) == ANSWER, f"mtastsd should answer, and says {ask_once(machine, UNIX)}")


@scenario("upgrade: rights of the store that the administrator chose stay")
def own_rights(machine: Computer) -> None:
    machine.install(machine.releases.first)
    machine.run("groupadd", "postmasters")
    machine.shell(f"chgrp postmasters {STORE}; chmod 0770 {STORE}")
    machine.install(machine.releases.this)
    machine.install(machine.releases.next)
    expect(rights(machine) == "770 _mtasts postmasters", f"it should be as it was: {rights(machine)}")


@scenario("upgrade from 0.1.0 where mtasts.toml names OpenSMTPD's old store: it can still be read there")
def nested_store(machine: Computer) -> None:
    old = f"{STORE}/opensmtpd"
    machine.run("useradd", "--system", "--user-group", "opensmtpd")
    machine.install(machine.releases.first)
    machine.write(CONFIGURATION, f"[opensmtpd]\ndirectory = \"{old}\"\n")
    machine.shell(f"install -d -o opensmtpd -g opensmtpd {old}; su -s /bin/sh opensmtpd -c 'echo kept >{old}/file'")
    machine.install(machine.releases.this)
    expect(rights(machine).startswith("751 "), f"others may pass: {rights(machine)}")
    told = machine.run("setpriv", "--reuid=opensmtpd", "--regid=opensmtpd", "--clear-groups", "cat", f"{old}/file")
    expect(told.strip() == "kept", f"OpenSMTPD's tables should still read their store: {told}")
    expect(rights(machine, "/var/lib/mtasts-opensmtpd") == "750 opensmtpd opensmtpd", "the new one is closed")
