"""mtastsd comes, goes and is told to read its configuration again: mail waits rather than go unprotected, and none is lost."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Iterator

from framework import expect, expect_contacts, expect_delivered, expect_logged, expect_waiting, scenario
from postfix import QUEUE, postfix
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import NO_RESOLVER, Domain, Trace, World, replace_file

declare(Domain("steady.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("steadyplain.test", (PLAIN,)))
declare(Domain("early.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("steadybad.test", (SELF_SIGNED,), "enforce"))

EXEMPT = '[[policy.override]]\ndomain = "steadybad.test"\nmode = "none"\n'


@contextlib.contextmanager
def socket_of_unit() -> Iterator[socket.socket]:
    """Below the queue directory, for Postfix's group alone, as systemd makes it with SocketGroup=postfix."""
    path = Path(f"{QUEUE}/mtasts/socketmap.sock")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        shutil.chown(path, "root", "postfix")
        path.chmod(0o660)
        listening.listen(128)
        yield listening


@scenario("mtastsd is stopped: mail for everybody waits, and goes out when it is back")
def stopped(world: World) -> None:
    postfix(world).mtastsd.stop()
    for recipient in ("bob@steady.test", "bob@steadyplain.test"):
        story = world.send(recipient)
        expect_waiting(story, recipient)
        expect_contacts(story, [])
    postfix(world).mtastsd.start()
    story = world.queue_run()
    expect_delivered(story, "bob@steady.test", GOOD, verified=True)
    expect_delivered(story, "bob@steadyplain.test", PLAIN)


@scenario("mtastsd is killed and started again: the next mail finds it, and what it knew")
def killed(world: World) -> None:
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)
    before = world.policy_requests("steady.test")
    postfix(world).mtastsd.kill()
    postfix(world).mtastsd.start()
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)
    expect(world.policy_requests("steady.test") == before, "the policy should still be cached")


def is_newest(world: World) -> bool:
    return postfix(world).version >= (3, 11)


@scenario("the network is up after mtastsd: it asks the resolvers that resolv.conf names by then, without being told", is_newest)
def resolvers_come_later(world: World) -> None:
    """One version only: it looks twice a minute."""
    mtastsd = postfix(world).mtastsd
    before = Path("/etc/resolv.conf").read_text(encoding="ascii")
    world.undo(lambda: replace_file("/etc/resolv.conf", before))
    replace_file("/etc/resolv.conf", f"nameserver {NO_RESOLVER[0]}\n")
    mtastsd.stop()
    mtastsd.start()
    expect_delivered(world.send("bob@early.test"), "bob@early.test", IMPOSTOR)  # nobody to ask: as without a policy
    replace_file("/etc/resolv.conf", before)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and not any("event=resolvers-changed" in line for line in mtastsd.lines):
        time.sleep(0.2)
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)


def sent_meanwhile(world: World, listening: socket.socket, recipient: str) -> Trace:
    """Sends while nobody takes connections, and starts mtastsd once Postfix has knocked."""

    def start_when_asked() -> None:
        select.select([listening], [], [], 20)
        postfix(world).mtastsd.start([listening])

    starter = threading.Thread(target=start_when_asked)
    starter.start()
    story = world.send(recipient)
    starter.join()
    return story


@scenario("socket activation: who asks before mtastsd runs, or while it is restarted, waits for the answer; no mail is deferred")
def activated(world: World) -> None:
    postfix(world).mtastsd.stop()
    with socket_of_unit() as listening:
        world.undo(postfix(world).mtastsd.stop)
        expect_delivered(sent_meanwhile(world, listening, "bob@steady.test"), "bob@steady.test", GOOD, verified=True)
        postfix(world).mtastsd.stop()
        expect_delivered(sent_meanwhile(world, listening, "eve@steady.test"), "eve@steady.test", GOOD, verified=True)
        expect_waiting(world.send("bob@steadybad.test"), "bob@steadybad.test")
        postfix(world).mtastsd.stop()


def wait_for_service(world: World, since: int) -> None:
    """`since`: a number of lines of its log."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not any("event=in-service" in line for line in postfix(world).mtastsd.lines[since:]):
        time.sleep(0.2)


@scenario("socket activation with a mistake in mtasts.toml: mail waits at once and is told why, and goes out when it is fixed")
def out_of_service(world: World) -> None:
    mtastsd = postfix(world).mtastsd
    mtastsd.stop()
    world.sender.write_module_configuration('[dns]\ntransport = "carrier pigeon"\n')
    with socket_of_unit() as listening:
        world.undo(mtastsd.stop)
        mtastsd.start([listening])
        story = world.send("bob@steady.test")
        expect_waiting(story, "bob@steady.test")
        expect(story.seconds < 10, f"it should be told at once, and took {story.seconds:.0f} s", story)
        expect(any("out of service" in line and "dns.transport" in line for line in story.log), "Postfix's log should tell the mistake", story)
        since = len(mtastsd.lines)
        world.sender.write_module_configuration("")
        wait_for_service(world, since)
        expect_delivered(world.queue_run(), "bob@steady.test", GOOD, verified=True)
        mtastsd.stop()


@scenario("socket activation without an engine library: what is cached is enforced, the rest waits until there is one")
def no_engine(world: World) -> None:
    mtastsd = postfix(world).mtastsd
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)
    mtastsd.stop()
    engines = [engine for folder in ("/usr/lib", "/usr/local/lib") for engine in Path(folder).rglob("mtasts/engine-*.so")]
    for engine in engines:
        engine.rename(engine.with_suffix(".away"))
        world.undo(lambda engine=engine: engine.with_suffix(".away").exists() and engine.with_suffix(".away").rename(engine))
    with socket_of_unit() as listening:
        world.undo(mtastsd.stop)
        mtastsd.start([listening])
        expect_delivered(world.send("eve@steady.test"), "eve@steady.test", GOOD, verified=True)
        expect_waiting(world.send("bob@steadyplain.test"), "bob@steadyplain.test")
        since = len(mtastsd.lines)
        for engine in engines:
            engine.with_suffix(".away").rename(engine)
        wait_for_service(world, since)
        expect_delivered(world.queue_run(), "bob@steadyplain.test", PLAIN)
        mtastsd.stop()


def unix_socket(chrooted: str) -> None:
    how = {"y": "chrooted", "n": "not chrooted"}[chrooted]

    @scenario(f"unix socket below the queue directory, for Postfix's group alone, smtp(8) {how}")
    def works(world: World) -> None:
        """smtp(8) has its primary group only."""
        server = postfix(world)
        server.mtastsd.stop()
        with socket_of_unit() as listening:
            world.undo(server.mtastsd.stop)
            server.mtastsd.start([listening])
            server.set_master("smtp/unix/chroot", chrooted)
            server.set_main(smtp_tls_policy_maps=f"socketmap:unix:mtasts/socketmap.sock:{server.map_name}")
            expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)
            expect_waiting(world.send("bob@steadybad.test"), "bob@steadybad.test")
            server.mtastsd.stop()


for one in ("y", "n"):
    unix_socket(one)


@scenario("SIGHUP: a new configuration counts at once, a bad one is told of by file, line and key, and the old stays in force")
def reloaded(world: World) -> None:
    expect_waiting(world.send("bob@steadybad.test"), "bob@steadybad.test")
    world.sender.write_module_configuration(EXEMPT)
    postfix(world).mtastsd.reload()
    expect_delivered(world.queue_run(), "bob@steadybad.test", SELF_SIGNED)
    world.sender.write_module_configuration("[dns]\n\ntransport = \"carrier pigeon\"\n")
    told = world.watch(postfix(world).mtastsd.reload)
    expect_logged(told, "mtasts.toml", "transport", "3", "tcp")
    expect_delivered(world.send("eve@steadybad.test"), "eve@steadybad.test", SELF_SIGNED)
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)
    world.sender.write_module_configuration("")
    postfix(world).mtastsd.reload()
    expect_waiting(world.send("joe@steadybad.test"), "joe@steadybad.test")
