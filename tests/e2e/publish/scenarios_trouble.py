"""What can go wrong on the way: refused with the reason and the way out, and nothing half-done."""

from __future__ import annotations

import subprocess
from pathlib import Path

from framework import expect, scenario
from publisher import DONE, LIST, OUT, PENDING, REFUSED, ROOT, STATE, TRY_AGAIN, NO_STATE, Publisher
from scenarios_life import entry
from topology import GOOD, declare
from world import Domain, World

for name in ("stale.test", "deaf.test", "full.test", "auto.test", "unsafe.test", "many.test"):
    declare(Domain(name, (GOOD,), updatable=True))


@scenario("publish: a script for nsupdate that is out of date changes nothing")
def stale(world: World) -> None:
    publisher = Publisher(world, entry("stale.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("stale.test")
    publisher.update("stale.test", accepted=False)
    script = OUT / "nsupdate/stale.test.txt"
    expect("prereq nxrrset mta-sts.stale.test. A" in script.read_text(encoding="ascii"), "its prerequisites say why")


@scenario("publish: without DNS or policy host it says so, and the next run goes on")
def deaf(world: World) -> None:
    publisher = Publisher(world, entry("deaf.test"))
    world.stop_resolver()
    told = publisher.run("--apply", exits=TRY_AGAIN).stderr
    expect("try again" in told and not ROOT.exists(), told)
    world.dns.start_resolver()
    publisher.run("--apply", exits=DONE)
    publisher.update("deaf.test")
    told = publisher.run("--apply", exits=TRY_AGAIN).stderr
    expect("cannot be connected to" in told, told)
    publisher.run("--verify", exits=TRY_AGAIN)


@scenario("publish: a full disk leaves the old policy, and names the folder")
def full(world: World) -> None:
    publisher = Publisher(world, entry("full.test"))
    for folder in (ROOT, STATE):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "full", str(folder)], check=True)
        world.undo(lambda folder=folder: subprocess.run(["umount", str(folder)], check=True))  # type: ignore[misc]
    publisher.run("--apply", exits=DONE)
    file = ROOT / "mta-sts.full.test/.well-known/mta-sts.txt"
    before = file.read_bytes()
    for folder in (STATE, ROOT):
        fill(folder / "filler")
        LIST.write_text(entry("full.test").replace(GOOD, f"second.mx.test\", \"{GOOD}"), encoding="utf-8")
        told = publisher.run("--apply", exits=NO_STATE).stderr
        expect(str(folder) in told, told)
        expect(file.read_bytes() == before, "the old policy is served")
        expect([one.name for one in file.parent.iterdir()] == [file.name], "nothing half-written stays")
        (folder / "filler").unlink()
    publisher.run("--apply", exits=DONE)
    expect(file.read_bytes() != before, "the next run goes on")


def fill(file: Path) -> None:
    try:
        with open(file, "wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 512)
    except OSError:
        pass


@scenario("publish: mx = \"auto\" proposes the live hosts and publishes nothing")
def auto(world: World) -> None:
    publisher = Publisher(world, entry("auto.test").replace(f'["{GOOD}"]', '"auto"'))
    told = publisher.run(exits=PENDING).stdout
    expect(f'mx = ["{GOOD}"]' in told, told)
    publisher.run("--apply", exits=REFUSED)
    expect(not ROOT.exists(), "nothing is published")


@scenario("publish: root writes nowhere that another user could lead it astray")
def unsafe(world: World) -> None:
    publisher = Publisher(world, entry("unsafe.test"))
    ROOT.mkdir(parents=True)
    subprocess.run(["chown", "_mtasts", str(ROOT)], check=True)
    told = publisher.run("--apply", exits=REFUSED).stderr
    expect("chown root" in told and not STATE.exists(), told)


@scenario("publish: two hundred domains are one run, as long as its slowest parts")
def many(world: World) -> None:
    text = "".join(entry(f"d{number}.many.test") for number in range(200))
    publisher = Publisher(world, text)
    publisher.run("--apply", exits=DONE)
    expect(len(list(ROOT.glob("*/.well-known/mta-sts.txt"))) == 200, "every domain has its file")
