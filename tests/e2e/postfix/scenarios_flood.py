"""Another local user asks mtastsd for more than it can look up: Postfix's mail goes out meanwhile, to known and new domains."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from mail_server import make_folder
from postfix import QUEUE, postfix
from process import dying_with_parent
from topology import GOOD, IMPOSTOR, PLAIN, declare
from world import WEB, Domain, World

FLOOD = Path(__file__).resolve().parents[2] / "lab" / "flood.py"
SOCKET = f"{QUEUE}/mtasts/socketmap.sock"
MANY = 1500
QUICK = 15.0  # seconds; a lookup that waits for the flood's takes twenty
BLACK_HOLE = "198.51.100.57"

declare(Domain("floodknown.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
for one in ("hold", "hang-up"):
    declare(Domain(f"new{one}.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
    declare(Domain(f"plain{one}.test", (PLAIN,)))
declare(Domain("flood.test", (PLAIN,), records=f'*.tarpit TXT "v=STSv1; id=1;"\n*.tarpit A {WEB.silent}\ndead NS ns.dead\nns.dead A {BLACK_HOLE}'))


def open_to_everybody(world: World) -> None:
    make_folder(f"{QUEUE}/mtasts", 0o755, "_mtasts")
    world.sender.set_module_configuration(f'[socketmap]\nlisten = ["unix:{SOCKET}"]\nsocket_mode = "0666"\n')
    postfix(world).set_main(smtp_tls_policy_maps=f"socketmap:unix:mtasts/socketmap.sock:{postfix(world).map_name}")


@contextmanager
def flood(how: str, connections: int, where: str = SOCKET) -> Iterator[None]:
    """By another user than Postfix, and than mtastsd."""
    command = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "python3", str(FLOOD), where, str(connections), how]
    black_hole = subprocess.Popen(dying_with_parent(["python3", "-c", f"import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                                                                      f"s.bind(('{BLACK_HOLE}', 53)); time.sleep(1000)"]))
    with subprocess.Popen(dying_with_parent(["prlimit", "--nofile=4096", *command]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            expect(process.stdout.readline() == "flooding\n", "the flood should begin")
            yield
            expect(process.poll() is None, "the flood should go on while mail is sent")
        finally:
            process.stdin.close()
            black_hole.kill()
            black_hole.wait()


def flooded(how: str, told: str) -> None:
    @scenario(f"another user floods mtastsd ({how}): mail to known and to new domains goes out as ever")
    def works(world: World) -> None:
        open_to_everybody(world)
        expect_delivered(world.send("bob@floodknown.test"), "bob@floodknown.test", GOOD, verified=True)
        with flood(how, MANY):
            for recipient, host in {"eve@floodknown.test": GOOD, f"bob@new{how}.test": GOOD, f"bob@plain{how}.test": PLAIN}.items():
                story = world.send(recipient)
                expect_delivered(story, recipient, host, verified=True if host == GOOD else None)
                expect(story.seconds < QUICK, f"{recipient} took {story.seconds:.0f} s", story)
        lines = [line for line in postfix(world).mtastsd.lines if told in line]
        expect(not told or any("nobody" in line for line in lines), f"the log should say {told} and who it was")


flooded("hold", "event=lookups-refused")
flooded("hang-up", "")


@scenario("another user sends mtastsd requests without waiting for answers: a cached answer comes as ever")
def ahead(world: World) -> None:
    open_to_everybody(world)
    expect_delivered(world.send("bob@floodknown.test"), "bob@floodknown.test", GOOD, verified=True)
    with flood("ahead", 300), socket.socket(socket.AF_UNIX) as kept:
        time.sleep(3)
        kept.connect(SOCKET)
        kept.settimeout(QUICK)
        begin = time.monotonic()
        for _ in range(5):
            kept.sendall(b"23:postfix floodknown.test,")
            answer = kept.recv(4096)
            expect(b"OK secure match=" in answer, f"the policy should count, and the answer is {answer!r}")
        expect(time.monotonic() - begin < QUICK, f"five cached answers took {time.monotonic() - begin:.0f} s")


@scenario("with few descriptors a flood does not keep a cached policy from being read")
def few_descriptors(world: World) -> None:
    open_to_everybody(world)
    expect_delivered(world.send("bob@floodknown.test"), "bob@floodknown.test", GOOD, verified=True)
    server = postfix(world)
    server.mtastsd.stop()
    server.mtastsd.start(descriptors=1024)
    with socket.socket(socket.AF_UNIX) as kept:
        kept.connect(SOCKET)
        kept.settimeout(QUICK)
        with flood("hold", 1010):
            time.sleep(6)  # what is answered from memory needs no descriptor
            kept.sendall(b"23:postfix floodknown.test,")
            answer = kept.recv(4096)
            expect(b"OK secure match=" in answer, f"the policy should still count, and the answer is {answer!r}")
            for number in range(3):
                expect_delivered(world.send(f"bob{number}@floodknown.test"), f"bob{number}@floodknown.test", GOOD, verified=True)
    expect(any("event=few-descriptors limit=1024" in line for line in server.mtastsd.lines), "the log should tell of the limit")


@scenario("over TCP on loopback all users are one: a flood delays mail to new domains; a known policy still counts")
def over_tcp(world: World) -> None:
    """Which is why the unix socket is the default (docs/postfix.md)."""
    expect_delivered(world.send("bob@floodknown.test"), "bob@floodknown.test", GOOD, verified=True)
    with flood("hold", 2500, "127.0.0.1:8461"):
        for number in range(3):
            expect_delivered(world.send(f"eve{number}@floodknown.test"), f"eve{number}@floodknown.test", GOOD, verified=True)
        story = world.send("eve@newhold.test")
        if story.outcome("eve@newhold.test").state == "delivered":  # a place was free by chance
            expect_delivered(story, "eve@newhold.test", GOOD, verified=True)
        else:
            expect_waiting(story, "eve@newhold.test")
            expect_contacts(story, [])
