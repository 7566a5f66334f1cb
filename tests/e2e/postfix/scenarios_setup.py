"""`mtasts setup postfix` on a configuration that somebody has already: what it keeps, that mail is protected, and the way back."""

from __future__ import annotations

import grp
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable

from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import make_folder
from postfix import MAIN, QUEUE, Postfix, postfix
from reports import KINDS
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("kept.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("forged.test", (IMPOSTOR,), "enforce", (GOOD,)))
declare(Domain("excepted.test", (SELF_SIGNED,), "enforce"))
declare(Domain("plain-kept.test", (PLAIN,)))
declare(Domain("refused-kept.test", (KINDS["STARTTLS refused"][0].name,), "enforce"))

SOCKET = f"{QUEUE}/mtasts/socketmap.sock"
OURS = ("smtp_tls_policy_maps", "smtp_tls_security_level", "smtp_tls_CAfile", "smtp_dns_support_level", "smtp_tls_mandatory_protocols",
        "smtp_tls_loglevel", "smtp_delivery_status_filter")
OWN_LINES = """
# the administrator's own
smtp_tls_policy_maps =
  texthash:/etc/postfix/tls_policy
# here one may continue
smtp_tls_security_level\t=\tencrypt
smtp_tls_loglevel=1"""  # and no line end


def command(server: Postfix, *words: str) -> list[str]:
    return ["mtasts", "setup", "postfix", "--root", str(server.root.place), *words]


def setup(server: Postfix, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(server, *words), capture_output=True, text=True, check=False)


def listen(server: Postfix) -> socket.socket:
    """What systemd does for the drop-in of setup: for Postfix's group alone, below its queue."""
    folder = Path(SOCKET).parent
    make_folder(str(folder), 0o755, "root")
    Path(SOCKET).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(SOCKET)
    os.chmod(SOCKET, 0o660)
    os.chown(SOCKET, 0, grp.getgrnam("postfix").gr_gid)
    listening.listen(100)
    server.mtastsd.stop()
    server.mtastsd.start(listening=[listening])
    return listening


def existing(server: Postfix) -> bytes:
    """A configuration of somebody's own, in force."""
    server._keep(MAIN)  # pylint: disable=protected-access; reset() puts it back
    server.root.run("postconf", "-X", *OURS)
    main = server.root.path(MAIN)
    main.write_text(main.read_text(encoding="ascii") + OWN_LINES, encoding="ascii")
    server.write_table("/etc/postfix/tls_policy", {"excepted.test": "may"})
    server.reload()
    return main.read_bytes()


@scenario("setup: a plan changes nothing, --apply keeps tables and levels and protects, --undo gives back the same bytes")
def there_and_back(world: World) -> None:
    server = postfix(world)
    before = existing(server)
    with listen(server):
        plan = setup(server, "--socket", f"unix:{SOCKET}")
        expect(plan.returncode == 1, f"a plan should end with 1: {plan.returncode} {plan.stdout} {plan.stderr}")
        expect(server.root.path(MAIN).read_bytes() == before, "a plan should change nothing")
        done = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
        expect(done.returncode == 0, f"setup --apply failed: {done.stdout} {done.stderr}")
        server.reload()
        expect_delivered(world.send("bob@kept.test"), "bob@kept.test", GOOD, verified=True)
        expect_waiting(world.send("bob@forged.test"), "bob@forged.test")
        expect_delivered(world.send("bob@excepted.test"), "bob@excepted.test", SELF_SIGNED, verified=False)
        expect_waiting(world.send("bob@plain-kept.test"), "bob@plain-kept.test")  # "encrypt" stays
        expect_waiting(world.send("bob@refused-kept.test"), "bob@refused-kept.test")  # and does not come back
        again = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
        expect(again.returncode == 0 and "Nothing to do" in again.stdout, f"a second time nothing should be left: {again.stdout}")
        warned = server.root.run("postconf", "-n")
        expect("warning" not in warned, f"Postfix should not warn: {warned}")
        undone = setup(server, "--undo")
        expect(undone.returncode == 0, f"setup --undo failed: {undone.stdout} {undone.stderr}")
    expect(server.root.path(MAIN).read_bytes() == before, "main.cf should have the bytes from before")
    server.mtastsd.stop()
    server.reload()
    server.root.run("postsuper", "-d", "ALL")
    expect_delivered(world.send("bob@kept.test"), "bob@kept.test", IMPOSTOR)  # as before: without a policy
    server.mtastsd.start()


@scenario("setup: Postfix does not begin to ask while nobody answers, and no line is changed")
def nobody_answers(world: World) -> None:
    server = postfix(world)
    before = existing(server)
    server.mtastsd.stop()
    Path(SOCKET).unlink(missing_ok=True)
    refused = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
    server.mtastsd.start()
    expect(refused.returncode == 2 and "does not answer" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect(server.root.path(MAIN).read_bytes() == before, "main.cf should not have changed")
    expect(not server.root.path("/etc/mtasts/setup").exists(), "nothing should be on record")


@scenario("setup: a socket that Postfix's user may not use is found out before it counts")
def not_for_postfix(world: World) -> None:
    server = postfix(world)
    before = existing(server)
    with listen(server):
        os.chown(SOCKET, 0, grp.getgrnam("nogroup").gr_gid)
        refused = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
    expect(refused.returncode == 2 and "to the user postfix" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect(server.root.path(MAIN).read_bytes() == before, "main.cf should not have changed")


@scenario("setup: killed at any point main.cf is the old or the new one, and --undo leads back")
def killed(world: World) -> None:
    server = postfix(world)
    before = existing(server)
    main = server.root.path(MAIN)
    manifest = server.root.path("/etc/mtasts/setup/postfix/manifest")
    moments: list[Callable[[], bool]] = [manifest.exists, lambda: main.read_bytes() != before]
    with listen(server):
        for moment in moments + [after(part / 10) for part in (1, 3, 5)]:
            running = subprocess.Popen(command(server, "--socket", f"unix:{SOCKET}", "--apply"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            while not moment() and time.monotonic() < deadline:
                time.sleep(0.001)
            running.kill()
            running.wait()
            text = main.read_text(encoding="ascii")
            expect(text.encode() == before or text.endswith("# END mtasts setup\n"), f"main.cf should be the old or the new one: {text}")
            if moment is moments[1]:
                expect(text.encode() != before, "this one should be killed after the change")
                done = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
                expect(done.returncode == 0 and "Done" in done.stdout, f"the next --apply should finish it: {done.stdout} {done.stderr}")
            undone = setup(server, "--undo")
            expect(undone.returncode == 0 and main.read_bytes() == before, f"undo should lead back: {undone.stderr}")


def after(seconds: float) -> Callable[[], bool]:
    """A moment so long from its first question on."""
    asked: list[float] = []

    def is_over() -> bool:
        asked.append(time.monotonic())
        return asked[-1] - asked[0] >= seconds

    return is_over
