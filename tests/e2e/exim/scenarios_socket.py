"""Exim that asks mtastsd: whatever becomes of the daemon, mail waits or goes out protected (R26), and none is lost."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from exim_socket import SOCKET, SocketSender, exim_by_socket
from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from mail_server import HOME_DOMAIN, message
from scenarios_examples import hand_in, use_acl, use_filter, use_smarthost
from topology import GOOD, GOOD_SMARTHOST, IMPOSTOR, PLAIN, declare
from web import Place, PolicyHost
from world import Domain, World

declare(Domain("asked.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("askedtesting.test", (GOOD,), "testing"))
declare(Domain("askedplain.test", (PLAIN,)))
declare(Domain("askedlate.test", (GOOD,), "enforce", host=PolicyHost("", place=Place.RAW, behaviour="late")))
CROWD = [declare(Domain(f"crowd{number}.test", (IMPOSTOR, GOOD), "enforce", (GOOD,))).name for number in range(10)]

DELIVERIES = 200
TCP = "inet:127.0.0.1:8462"
NOBODY = "${sg{/run/mtasts/nobody.sock}{\\N/([^/]*)$\\N}{/MTASTS_FRESH\\$1}}"


def asks_daemon(world: World) -> bool:
    return isinstance(world.sender, SocketSender)


def recipients(name: str) -> list[str]:
    return [f"{name}@{domain}" for domain in ("asked.test", "askedtesting.test", "askedplain.test")]


def nothing_leaves(world: World, name: str) -> None:
    """Whatever the domain's policy is: nobody knows it."""
    for recipient in recipients(name):
        story = world.send(recipient)
        expect_waiting(story, recipient)
        expect_contacts(story, [])


def everything_arrives(world: World, name: str) -> None:
    story = world.queue_run()
    for recipient, host in zip(recipients(name), (GOOD, GOOD, PLAIN)):
        expect_delivered(story, recipient, host)
    expect(story.outcome(f"{name}@asked.test").verified, "the policy should have been enforced", story)


@scenario("mtastsd is away: all mail to others waits, and goes out protected when it is back", asks_daemon)
def away(world: World) -> None:
    sender = exim_by_socket(world)
    sender.close()
    world.undo(sender.start_daemon)
    world.undo(sender.listen)
    nothing_leaves(world, "away")
    world.start_again()
    everything_arrives(world, "away")


@contextmanager
def mtastsd_away(sender: SocketSender) -> Iterator[None]:
    sender.close()
    try:
        yield
    finally:
        sender.listen()
        sender.start_daemon()


@scenario("mtastsd is away: the ACL has the client try again later (451), and takes the message when it is back", asks_daemon)
def away_in_acl(world: World) -> None:
    use_acl(world)
    sender = exim_by_socket(world)
    with mtastsd_away(sender):
        told = hand_in(world, "bob@asked.test")
    expect("\n451 " in told and "250 OK id=" not in told, f"the client should be told to try again: {told}")
    expect(not sender.exim("-bp").strip(), "what was not taken should not be in the queue")
    story = world.watch(lambda: hand_in(world, "bob@asked.test"))
    expect_delivered(story, "bob@asked.test", GOOD, verified=True)


# The domain is exempt, so that no router asks: it is the filter that has the message wait.
@scenario("mtastsd is away: the system filter has the message wait, and it goes out when mtastsd is back", asks_daemon)
def away_in_filter(world: World) -> None:
    use_filter(world, "MTASTS_EXEMPT_DOMAINS = askedplain.test\n")
    with mtastsd_away(exim_by_socket(world)):
        story = world.send("bob@askedplain.test")
        expect_contacts(story, [])
        expect(not story.arrived() and "bob@askedplain.test" in world.sender.exim("-bp"), "the message should be in the queue", story)
    expect_delivered(world.queue_run(), "bob@askedplain.test", PLAIN)


@scenario("mtastsd is away: mail to a smarthost waits, and goes out protected when it is back", asks_daemon)
def away_at_smarthost(world: World) -> None:
    use_smarthost(world, GOOD_SMARTHOST)
    with mtastsd_away(exim_by_socket(world)):
        story = world.send("bob@askedplain.test")
        expect_waiting(story, "bob@askedplain.test")
        expect_contacts(story, [])
    expect_delivered(world.queue_run(), "bob@askedplain.test", GOOD_SMARTHOST, verified=True)


@scenario("over TCP, as from another host: policies are enforced; mtastsd away: mail waits, and goes out protected when it is back", asks_daemon)
def over_tcp(world: World) -> None:
    sender = exim_by_socket(world)
    sender.close()
    world.undo(sender.start_daemon)
    world.undo(sender.listen)
    world.undo(sender.mtastsd.stop)
    sender.write_module_configuration(f'[socketmap]\nlisten = []\n[exim]\nlisten = ["{TCP}"]\n')
    sender.mtastsd.start()
    sender.set_macros(f"MTASTS_DAEMON = {TCP}\n")
    story = world.send("alice@asked.test")
    expect_delivered(story, "alice@asked.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])
    sender.mtastsd.stop()
    nothing_leaves(world, "tcp")
    sender.mtastsd.start()
    everything_arrives(world, "tcp")


@scenario("nobody accepts, or who accepts says nothing, half an answer, or nonsense: mail waits", asks_daemon)
def impostors(world: World) -> None:
    sender = exim_by_socket(world)
    sender.set_macros("MTASTS_TIMEOUT = 1s\n")
    for number, answer in enumerate((None, b"", b"OK ", b"OK enforce|*", b"\n", b"OK\n", b"ok \n", b"OK \nOK \n", b"DEFER MTA-STS: not now\n", b"\0\xff\n")):
        sender.mtastsd.stop()
        with stand_in(sender, answer):
            recipient = f"bob{number}@asked.test"
            story = world.send(recipient)
            expect_waiting(story, recipient)
            expect_contacts(story, [])
            if answer is None:
                expect(story.seconds < 10, f"a second should be enough and it took {story.seconds:.0f} s", story)
    sender.start_daemon()


class stand_in:  # pylint: disable=invalid-name; reads as a word of the scenarios
    """Somebody else at mtastsd's socket, who gives this answer to everything; None: accepts nobody."""

    def __init__(self, sender: SocketSender, answer: bytes | None) -> None:
        self._sender = sender
        self._answer = answer
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> None:
        self._sender.listening.settimeout(0.1)
        self._goes_on = self._answer is not None
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._goes_on = False
        self._thread.join()
        self._sender.listen()

    def _serve(self) -> None:
        while self._goes_on:
            try:
                client, _ = self._sender.listening.accept()
            except TimeoutError:
                continue
            with client:
                client.recv(65536)
                client.sendall(self._answer or b"")


@scenario("mtastsd is restarted while mail is sent: its socket stays, the questions wait, nothing is deferred", asks_daemon)
def restarted(world: World) -> None:
    sender = exim_by_socket(world)
    sender.mtastsd.stop()
    timer = threading.Timer(1, sender.start_daemon)
    timer.start()
    story = world.send("bob@asked.test")
    timer.join()
    expect_delivered(story, "bob@asked.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("mtastsd is killed while Exim waits for a policy: the mail waits, and is delivered by the policy later", asks_daemon)
def killed(world: World) -> None:
    sender = exim_by_socket(world)
    timer = threading.Timer(0.7, sender.mtastsd.kill)
    timer.start()
    story = world.send("bob@askedlate.test")
    timer.join()
    sender.start_daemon()
    expect_waiting(story, "bob@askedlate.test")
    time.sleep(4)
    expect_delivered(world.queue_run(), "bob@askedlate.test", GOOD, verified=True)


@scenario("R25: mtastsd goes away between policy and certificate: nobody has looked for a DNS name, so the host is refused", asks_daemon)
def away_in_between(world: World) -> None:
    sender = exim_by_socket(world)
    expect_delivered(world.send("bob@asked.test"), "bob@asked.test", GOOD, verified=True)
    # The router's question is answered, the transport's events are not.
    text = Path("/etc/exim4/conf.d/transport/30_mtasts")
    kept = text.read_text(encoding="ascii")
    world.undo(sender.configure)
    world.undo(lambda: text.write_text(kept, encoding="ascii"))
    text.write_text(kept.replace("MTASTS_AT", NOBODY), encoding="ascii")
    sender.configure()
    story = world.send("eve@asked.test")
    expect_waiting(story, "eve@asked.test")
    expect_contacts(story, [GOOD])
    expect_delivered(world.send("eve@askedtesting.test"), "eve@askedtesting.test", GOOD)
    world.start_again()
    story = world.queue_run()
    expect_delivered(story, "eve@asked.test", GOOD, verified=True)


@scenario("a client that sends half a line, garbage or too much, or never reads, keeps nobody's mail waiting", asks_daemon)
def bad_clients(world: World) -> None:
    clients = []
    for nonsense in (b'route "asked', b"GET / HTTP/1.1\r\n\r\n", b"\0\xff" * 20_000, b"route asked.test\n" * 2000, b"event a b\n"):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(SOCKET))
        client.setblocking(False)
        try:
            client.send(nonsense)
        except BlockingIOError:
            pass
        clients.append(client)
    expect_delivered(world.send("bob@asked.test"), "bob@asked.test", GOOD, verified=True)
    told = []
    for request in (b"GET / HTTP/1.1\n", b"route\n", b'route "asked.test\n', b"x" * 40_000, b"route asked.test"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect(str(SOCKET))
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            told.append(client.recv(4096))
    expect(all(answer.startswith(b"ERROR ") and answer.endswith(b"\n") for answer in told), f"each should be refused with a reason: {told}")
    for client in clients:
        client.close()


@scenario("only root and Exim's group may ask", asks_daemon)
def rights(_: World) -> None:
    probe = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/mtasts/exim.sock')"
    for user, may in (("Debian-exim", True), ("alice", False)):
        result = subprocess.run(["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "python3", "-c", probe], capture_output=True, check=False)
        expect((result.returncode == 0) is may, f"{user} should {'' if may else 'not '}be let in: {result.stderr!r}")


@scenario(f"{DELIVERIES} deliveries at once to ten domains that nobody knows: each domain is fetched once, all arrive protected", asks_daemon)
def load(world: World) -> None:
    sender = exim_by_socket(world)
    received, asked = world.mail_hosts.mark(), {domain: world.policy_requests(domain) for domain in CROWD}

    command = sender.command("root", "-odf", "-oi", "-f", f"alice@{HOME_DOMAIN}")

    def send(number: int) -> None:
        recipient = f"bob{number}@{CROWD[number % len(CROWD)]}"
        subprocess.run([*command, recipient], input=message([recipient], "hello", {}),
                       capture_output=True, text=True, check=True)

    def all_at_once() -> None:
        with ThreadPoolExecutor(DELIVERIES) as pool:
            list(pool.map(send, range(DELIVERIES)))

    story = world.watch(all_at_once)
    if waiting := [name for name, outcome in story.outcomes.items() if outcome.state == "deferred"]:
        expect(len(waiting) < DELIVERIES // 2, f"most should be delivered at once, {len(waiting)} wait", story)
        world.queue_run()
        story = world.watch(world.sender.queue_run)
    got = [event for event in world.mail_hosts.events(received) if event.kind == "mail" and "@crowd" in event.recipients.lower()]
    expect({event.host for event in got} == {GOOD} and len(got) == DELIVERIES, f"{DELIVERIES} should have arrived at {GOOD}: {len(got)} at {set(e.host for e in got)}")
    for domain in CROWD:
        fetched = world.policy_requests(domain) - asked[domain]
        expect(fetched == 1, f"the policy of {domain} was fetched {fetched} times")
