"""What the administrator sets: a broken configuration, a new one, smarthosts, a store that cannot be written, either TLS library."""

from __future__ import annotations

import os
import signal
import smtplib
import time

from framework import expect, expect_delivered, expect_logged, expect_waiting, scenario
from mail_server import make_folder
from mx import MailHost
from opensmtpd import MODULE_CONFIGURATION, OWN_STORE, opensmtpd
from pki import Issuer, Leaf
from scenarios_trouble import expect_put_off
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare, declare_host
from web import PolicyHost
from world import Domain, World

SMARTHOST = "mail.provider.example"  # as in conf-examples/opensmtpd/smarthost.conf

declare_host(MailHost(SMARTHOST, "198.51.100.42"))
declare_host(MailHost("bad." + SMARTHOST, "198.51.100.43", Leaf("badsmart", dns=("bad." + SMARTHOST,), issuer=Issuer.SELF)))
declare(Domain("provider.example", (), records="mail A 198.51.100.42\nbad.mail A 198.51.100.43"))
declare(Domain("partner.example", (SELF_SIGNED,), "enforce"))
declare(Domain("chosen.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("exempt.test", (SELF_SIGNED,), "enforce"))
declare(Domain("ordinary.test", (PLAIN,)))
declare(Domain("namedbycn.test", (IMPOSTOR,), "enforce", (GOOD,),
               host=PolicyHost("", leaf=Leaf("named-by-cn", common_name="mta-sts.namedbycn.test"))))

BROKEN = '[dns]\n\ntransport = "carrier pigeon"\n'
EXEMPT = '[[policy.override]]\ndomain = "exempt.test"\nmode = "none"\n'


def start_with(world: World, text: str) -> list[str]:
    """As smtpd finds this mtasts.toml when it starts; what is said then."""
    since = len(world.sender.words)
    world.sender.write_module_configuration(text)
    opensmtpd(world).restart()
    world.sender.log_socket.catch_up()
    return world.sender.words[since:]


@scenario("broken mtasts.toml at the start: the log names file, line, key; recipients elsewhere are put off, your own are not, smtpd lives")
def broken(world: World) -> None:
    told = "\n".join(start_with(world, BROKEN))
    expect(all(word in told for word in ("mtasts.toml", "transport", "3", "tcp")), f"file, line 3, key and the allowed values should be told: {told}")
    for recipient in ("bob@chosen.test", "bob@ordinary.test"):
        expect_put_off(world.send(recipient), recipient)
    expect(opensmtpd(world).submit(["alice@sender.lab.test"], "Subject: hello\n\nHello.\n") != "", "local mail should be taken")
    expect(opensmtpd(world).running, "smtpd should live")
    world.sender.set_module_configuration("")
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)


@scenario("no mtasts.toml: everything is at its default")
def missing(world: World) -> None:
    opensmtpd(world).root.path(MODULE_CONFIGURATION).unlink()
    opensmtpd(world).restart()
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)


@scenario("smtpctl update table mtasts: a new configuration counts at once; of a broken one the log tells, and the old one stays in force")
def updated(world: World) -> None:
    expect_waiting(world.send("bob@exempt.test"), "bob@exempt.test")
    world.sender.set_module_configuration(EXEMPT)
    expect_delivered(world.send("eve@exempt.test"), "eve@exempt.test", SELF_SIGNED)
    story = world.watch(lambda: (world.sender.set_module_configuration(BROKEN), world.sender.send(["joe@exempt.test"], "hello", {}, "root")))
    expect_delivered(story, "joe@exempt.test", SELF_SIGNED)
    expect_logged(story, "mtasts.toml", "transport")


@scenario("smarthost.conf, verbatim: a smarthost must prove its own name, all others go by MX records and policies")
def smarthost(world: World) -> None:
    opensmtpd(world).use("smarthost.conf")
    story = world.send("bob@partner.example", "bob@chosen.test", "bob@ordinary.test")
    expect_delivered(story, "bob@partner.example", SMARTHOST, verified=True)
    expect_delivered(story, "bob@chosen.test", GOOD, verified=True)
    expect_delivered(story, "bob@ordinary.test", PLAIN)
    opensmtpd(world).use("smarthost.conf", lambda text: text.replace(f'relay host "smtp+tls://{SMARTHOST}"', f'relay host "smtp+tls://bad.{SMARTHOST}"'))
    expect_waiting(world.send("eve@partner.example"), "eve@partner.example")


@scenario("R17: the store cannot be written: said in the log, policies are kept in memory and applied, also when they cannot be fetched any more")
def unwritable(world: World) -> None:
    store = str(opensmtpd(world).root.path(OWN_STORE))
    make_folder(store, 0o755, "root")
    story = world.watch(lambda: (opensmtpd(world).restart(), world.sender.send(["bob@chosen.test"], "hello", {}, "root")))
    expect_delivered(story, "bob@chosen.test", GOOD, verified=True)
    expect_logged(story, "event=store-unwritable", OWN_STORE)
    before = world.policy_requests("chosen.test")
    expect_delivered(world.send("joe@chosen.test"), "joe@chosen.test", GOOD, verified=True)
    expect(world.policy_requests("chosen.test") == before, "the policy should be cached")
    world.stop_policy_hosts()
    expect_delivered(world.send("eve@chosen.test"), "eve@chosen.test", GOOD, verified=True)


@scenario("what was learned belongs to smtpd's user, and survives a restart")
def store(world: World) -> None:
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
    owners = {file.owner() for file in opensmtpd(world).root.path(OWN_STORE).rglob("*chosen.test*")}
    expect(owners == {"opensmtpd"}, f"the entry should belong to opensmtpd and belongs to {owners}")
    before = world.policy_requests("chosen.test")
    opensmtpd(world).wait_for_empty_queue()  # what is delivered and not yet taken off goes out once more
    opensmtpd(world).restart()
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
    expect(world.policy_requests("chosen.test") == before, "the policy should be cached")


def engine(tls: str) -> None:
    @scenario(f"the {tls} engine: a policy host proves its name by SAN, never by Common Name")
    def works(world: World) -> None:
        world.sender.set_module_configuration(f'[engine]\ntls = "{tls}"\n')
        expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
        story = world.send("bob@namedbycn.test")
        expect_delivered(story, "bob@namedbycn.test", IMPOSTOR)
        expect_logged(story, "namedbycn.test", "sts-webpki-invalid")


for library in ("openssl", "gnutls"):
    engine(library)


def table_processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _name(entry) == "table-mtasts"]


def _name(process: str) -> str:
    try:
        with open(f"/proc/{process}/comm", encoding="ascii") as comm:
            return comm.read().strip()
    except OSError:
        return ""


@scenario("known in every version: smtpd ends at the next question when its table process is killed, and takes mail again after a restart")
def killed(world: World) -> None:
    [process] = table_processes()
    os.kill(process, signal.SIGKILL)
    try:
        world.sender.send(["bob@chosen.test"], "hello", {}, "root")
    except (OSError, smtplib.SMTPException):
        pass
    deadline = time.monotonic() + 10
    while opensmtpd(world).running and time.monotonic() < deadline:
        time.sleep(0.05)
    expect(not opensmtpd(world).running, "smtpd should have ended")
    opensmtpd(world).restart()
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
