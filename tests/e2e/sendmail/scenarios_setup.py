"""`mtasts setup sendmail` in Debian's /etc/mail, which belongs to smmta, and the way back."""

from __future__ import annotations

import subprocess

from framework import expect, expect_delivered, expect_waiting, scenario
from sendmail import CONFIGURATION, Sendmail, sendmail
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("set-up.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("set-up-bad.test", (SELF_SIGNED,), "enforce"))
declare(Domain("set-up-plain.test", (PLAIN,)))

SOCKET = "/run/mtasts/socketmap.sock"
OWN_LINE = "define(`confMAX_HOP', `40')dnl my own\n"


def setup(server: Sendmail, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mtasts", "setup", "sendmail", "--root", str(server.root.place), *words], capture_output=True, text=True, check=False)


def existing(world: World) -> dict[str, bytes]:
    """Debian's configuration with a line of somebody's own, without ours; the files of /etc/mail."""
    server = sendmail(world)
    mail = server.root.path("/etc/mail")
    mc = server.root.path(CONFIGURATION)
    ours, m4 = mc.read_bytes(), (mail / "mtasts.m4").read_bytes()

    def put_back() -> None:
        mc.write_bytes(ours)
        (mail / "mtasts.m4").write_bytes(m4)
        server.configure()
        server.root.run("chown", "root:root", "/etc/mail")
        server.root.run("rm", "-rf", "/etc/mtasts/setup")

    world.undo(put_back)
    server.set_module_configuration(f'[socketmap]\nlisten = ["unix:{SOCKET}"]\nsocket_mode = "0666"\n')
    (mail / "mtasts.m4").unlink()
    mc.write_bytes(ours.replace(b"include(`/etc/mail/mtasts.m4')dnl\n", OWN_LINE.encode()))
    server.configure()
    server.root.run("chown", "smmta:smmsp", "/etc/mail")
    server.root.run("chmod", "2755", "/etc/mail")
    return files(server)


def files(server: Sendmail) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(server.root.path("/etc/mail").glob("*")) if path.suffix in (".mc", ".cf", ".m4")}


@scenario("setup: a plan changes nothing, --apply protects, --undo gives back the same bytes")
def there_and_back(world: World) -> None:
    server = sendmail(world)
    before = existing(world)
    plan = setup(server, "--socket", f"unix:{SOCKET}")
    expect(plan.returncode == 1 and files(server) == before, f"a plan should change nothing: {plan.returncode} {plan.stdout} {plan.stderr}")
    done = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
    expect(done.returncode == 0, f"setup --apply failed: {done.stdout} {done.stderr}")
    expect_delivered(world.send("bob@set-up.test"), "bob@set-up.test", GOOD, verified=True)
    expect_delivered(world.send("bob@set-up-plain.test"), "bob@set-up-plain.test", PLAIN)
    expect_waiting(world.send("bob@set-up-bad.test"), "bob@set-up-bad.test")
    again = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
    expect(again.returncode == 0 and "Nothing to do" in again.stdout, f"a second time nothing should be left: {again.stdout} {again.stderr}")
    undone = setup(server, "--undo")
    expect(undone.returncode == 0 and files(server) == before, f"undo should give back the same files: {undone.stdout} {undone.stderr}")
    expect_delivered(world.send("joe@set-up.test"), "joe@set-up.test", IMPOSTOR)


@scenario("setup: what the administrator made again in between is undone too, and his own new line stays")
def made_again(world: World) -> None:
    server = sendmail(world)
    before = existing(world)
    expect(setup(server, "--socket", f"unix:{SOCKET}", "--apply").returncode == 0, "setup --apply failed")
    mc = server.root.path(CONFIGURATION)
    mc.write_bytes(mc.read_bytes().replace(OWN_LINE.encode(), b"define(`confMAX_HOP', `41')dnl\n"))
    server.configure()
    undone = setup(server, "--undo")
    expect(undone.returncode == 0, f"undo failed: {undone.stdout} {undone.stderr}")
    after = files(server)
    expect(after["sendmail.mc"] == before["sendmail.mc"].replace(OWN_LINE.encode(), b"define(`confMAX_HOP', `41')dnl\n"), "only our lines should go")
    expect(b"MaxHopCount=41" in after["sendmail.cf"] and b"Ksts" not in after["sendmail.cf"], "sendmail.cf should follow sendmail.mc")


@scenario("setup: lines that are in sendmail.cf alone are not lost")
def edited_cf(world: World) -> None:
    server = sendmail(world)
    existing(world)
    cf = server.root.path("/etc/mail/sendmail.cf")
    cf.write_bytes(cf.read_bytes() + b"O MaxRecipientsPerMessage=7\n")
    before = files(server)
    refused = setup(server, "--socket", f"unix:{SOCKET}", "--apply")
    expect(refused.returncode == 2 and "not what sendmail.mc makes" in refused.stderr, f"it should be refused: {refused.stdout} {refused.stderr}")
    expect(files(server) == before, "nothing should have changed")
