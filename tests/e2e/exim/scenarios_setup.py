"""`mtasts setup exim` on Debian's configurations: split, in one file, somebody's own."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import STORE, make_folder
from scenarios_configuration import loads_module
from topology import GOOD, IMPOSTOR, declare
from world import Domain, World

declare(Domain("set-up.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("set-up-forged.test", (IMPOSTOR,), "enforce", (GOOD,)))

ETC = Path("/etc/exim4")
OURS = ("main/05_mtasts", "router/150_mtasts", "transport/30_mtasts")


def setup_takes_its_way(world: World) -> bool:
    """Where Exim can load functions, setup takes that way, and these builds have no module in their root."""
    return loads_module(world) or "Expand_dlfunc" not in world.sender.exim("-bV")


def setup(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mtasts", "setup", "exim", *words], capture_output=True, text=True, check=False)


def without_examples(world: World, split: str) -> dict[str, bytes]:
    """Debian's configuration with lines of somebody's own; everything is put back at the end. Returns all files."""
    kept = Path("/lab/exim4-before-setup")
    shutil.copytree(ETC, kept)

    def put_back() -> None:
        for child in ETC.iterdir():  # it may be a mount point itself
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        shutil.copytree(kept, ETC, dirs_exist_ok=True)
        shutil.rmtree(kept)
        shutil.rmtree("/etc/mtasts/setup", ignore_errors=True)
        world.sender.configure()

    world.undo(put_back)
    for name in OURS:
        (ETC / "conf.d" / name).unlink()
    template = ETC / "exim4.conf.template"
    template.write_text(template.read_text(encoding="utf-8") + "\n# the administrator's own last line", encoding="utf-8")
    world.sender.answer(dc_use_split_config=split)
    world.sender.configure()
    return files()


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(ETC.rglob("*")) if path.is_file()}


def there_and_back(world: World, split: str) -> None:
    before = without_examples(world, split)
    make_folder(str(STORE), 0o755, "_mtasts")  # as 0.1.0 left it
    plan = setup()
    expect(plan.returncode == 1 and files() == before, f"a plan should change nothing: {plan.returncode} {plan.stderr}")
    expect_delivered(world.send("eve@set-up.test"), "eve@set-up.test", IMPOSTOR)
    done = setup("--apply")
    expect(done.returncode == 0, f"setup --apply failed: {done.stdout} {done.stderr}")
    expect(not loads_module(world) or STORE.group() == "Debian-exim" and stat.S_IMODE(STORE.stat().st_mode) == 0o750, "the store should be closed to all but Exim's group")
    expect_delivered(world.send("bob@set-up.test"), "bob@set-up.test", GOOD, verified=True)
    expect_waiting(world.send("bob@set-up-forged.test"), "bob@set-up-forged.test")
    again = setup("--apply")
    expect(again.returncode == 0 and "Nothing to do" in again.stdout, f"a second time nothing should be left: {again.stdout} {again.stderr}")
    undone = setup("--undo")
    expect(undone.returncode == 0 and files() == before, f"undo should give back the same files: {undone.stdout} {undone.stderr}")
    expect_delivered(world.send("joe@set-up.test"), "joe@set-up.test", IMPOSTOR)


@scenario("setup: the split configuration is protected, and has the same files after --undo", setup_takes_its_way)
def split_configuration(world: World) -> None:
    there_and_back(world, "true")


@scenario("setup: the configuration in one file, Debian's default, is protected, and has the same bytes after --undo", setup_takes_its_way)
def one_file(world: World) -> None:
    there_and_back(world, "false")


@scenario("setup: what Exim refuses is taken back, and mail goes out as before")
def broken(world: World) -> None:
    without_examples(world, "true")
    (ETC / "conf.d/main/000_localmacros").write_text("MTASTS_ASK = twice\n", encoding="ascii")
    world.sender.configure()
    before = files()
    refused = setup("--apply")
    expect(refused.returncode == 2 and files() == before, f"it should be taken back: {refused.returncode} {refused.stdout} {refused.stderr}")
    expect_delivered(world.send("bob@set-up.test"), "bob@set-up.test", IMPOSTOR)


@scenario("setup: macros that have Exim ask where nobody answers are seen by routing an address, and all is taken back", setup_takes_its_way)
def asks_elsewhere(world: World) -> None:
    without_examples(world, "true")
    (ETC / "conf.d/main/000_localmacros").write_text("MTASTS_SO = /nowhere/mtasts\nMTASTS_DAEMON = /nowhere/mtasts\n", encoding="ascii")
    world.sender.configure()
    before = files()
    refused = setup("--apply")
    expect(refused.returncode == 2 and "/nowhere/mtasts" in refused.stderr and files() == before, f"it should be taken back: {refused.returncode} {refused.stdout} {refused.stderr}")
    expect_delivered(world.send("bob@set-up.test"), "bob@set-up.test", IMPOSTOR)


@scenario("setup: a configuration of somebody's own is not edited, and the way out is told")
def own_file(world: World) -> None:
    without_examples(world, "true")
    shutil.copy("/var/lib/exim4/config.autogenerated", ETC / "exim4.conf")
    before = files()
    refused = setup("--apply")
    expect(refused.returncode == 2 and "/usr/share/doc/mtasts/exim.md" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect(files() == before, "nothing should have changed")
