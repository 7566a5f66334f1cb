"""`mtasts setup opensmtpd` on a configuration that somebody has already, and the way back."""

from __future__ import annotations

import shutil
import stat
import subprocess

from framework import expect, expect_delivered, expect_waiting, scenario
from opensmtpd import CONFIGURATION, OpenSmtpd, opensmtpd
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("set-up.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("set-up-bad.test", (SELF_SIGNED,), "enforce"))
declare(Domain("set-up-plain.test", (PLAIN,)))

STORE = "/var/lib/mtasts-opensmtpd"
EXISTING = """# the administrator's own
table aliases file:/etc/aliases
listen on localhost   # for this machine
action "local" maildir alias <aliases>
action "relay" relay helo "sender.lab.test"

match for local action "local"
match from local for any \\
  action "relay\""""  # and no line end


def setup(server: OpenSmtpd, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mtasts", "setup", "opensmtpd", "--root", str(server.root.place), *words], capture_output=True, text=True, check=False)


def existing(server: OpenSmtpd, text: str) -> None:
    shutil.rmtree(server.root.path(STORE), ignore_errors=True)
    server.write_module_configuration(f'[opensmtpd]\ndirectory = "{STORE}"\n')
    server.root.path(CONFIGURATION).write_text(text, encoding="ascii")
    server.restart()


@scenario("setup: a plan changes nothing, --apply protects, --undo gives back the same bytes")
def there_and_back(world: World) -> None:
    server = opensmtpd(world)
    existing(server, EXISTING)
    plan = setup(server)
    expect(plan.returncode == 1, f"a plan should end with 1: {plan.returncode} {plan.stdout} {plan.stderr}")
    expect(server.root.path(CONFIGURATION).read_text(encoding="ascii") == EXISTING, "a plan should change nothing")
    expect_delivered(world.send("eve@set-up.test"), "eve@set-up.test", IMPOSTOR)
    done = setup(server, "--apply")
    expect(done.returncode == 0, f"setup --apply failed: {done.stdout} {done.stderr}")
    server.restart()
    expect_delivered(world.send("bob@set-up.test"), "bob@set-up.test", GOOD, verified=True)
    expect_delivered(world.send("bob@set-up-plain.test"), "bob@set-up-plain.test", PLAIN)
    expect_waiting(world.send("bob@set-up-bad.test"), "bob@set-up-bad.test")
    store = server.root.path(STORE)
    expect(store.owner() == store.group() == "opensmtpd" and stat.S_IMODE(store.stat().st_mode) == 0o750, "the store should be smtpd's, and closed to others")
    again = setup(server, "--apply")
    expect(again.returncode == 0 and "Nothing to do" in again.stdout, f"a second time nothing should be left: {again.stdout} {again.stderr}")
    undone = setup(server, "--undo")
    expect(undone.returncode == 0, f"setup --undo failed: {undone.stdout} {undone.stderr}")
    expect(server.root.path(CONFIGURATION).read_text(encoding="ascii") == EXISTING, "smtpd.conf should have the bytes from before")
    server.restart()
    expect_delivered(world.send("joe@set-up.test"), "joe@set-up.test", IMPOSTOR)


@scenario("setup: a server for logins is left alone, and the lines are shown")
def submission(world: World) -> None:
    server = opensmtpd(world)
    text = EXISTING.replace("match from local", "match auth from any")
    existing(server, text)
    refused = setup(server, "--apply")
    expect(refused.returncode == 2 and "submission.conf" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect("table mtasts mtasts:" in refused.stdout, f"the lines should be shown: {refused.stdout}")
    expect(server.root.path(CONFIGURATION).read_text(encoding="ascii") == text, "nothing should have changed")


@scenario("setup: what smtpd refuses never gets into force")
def refused_by_smtpd(world: World) -> None:
    server = opensmtpd(world)
    existing(server, EXISTING)
    server.root.path(CONFIGURATION).write_text("nonsense\n" + EXISTING, encoding="ascii")
    refused = setup(server, "--apply")
    expect(refused.returncode == 2 and "smtpd -n" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect(server.root.path(CONFIGURATION).read_text(encoding="ascii") == "nonsense\n" + EXISTING, "nothing should have changed")
