"""A policy's life: plan, file, records, enforce, other MX hosts, the end. Each step is seen by mtasts query and by Exim."""

from __future__ import annotations

from framework import expect, expect_delivered, scenario
from pki import Leaf, Validity
from publisher import DONE, HOST4, HOST6, LIST, OUT, PENDING, REFUSED, ROOT, Publisher, nsupdate, pass_time, query
from topology import GOOD, SECOND, declare
from world import Domain, World

for name in ("born.test", "promoted.test", "moved.test", "left.test", "owner.test", "alias.test"):
    declare(Domain(name, (GOOD,), updatable=True))


def entry(domain: str, *more: str) -> str:
    return "\n".join(["[[domain]]", f'name = "{domain}"', f'mx = ["{GOOD}"]', f'address = ["{HOST4}", "{HOST6}"]',
                      'rua = "mailto:tls@sender.lab.test"', *more, ""])


@scenario("publish: from nothing to a policy that senders follow, and then there is nothing to do")
def born(world: World) -> None:
    publisher = Publisher(world, entry("born.test"))
    publisher.run(exits=PENDING)
    expect(not ROOT.exists() and not OUT.exists(), "a plan should write nothing")
    publisher.run("--apply", exits=DONE)
    file = ROOT / "mta-sts.born.test/.well-known/mta-sts.txt"
    wanted = f"version: STSv1\r\nmode: testing\r\nmx: {GOOD}\r\nmax_age: 86400\r\n"
    expect(file.read_bytes() == wanted.encode(), f"the file is {file.read_bytes()!r}")
    zone = OUT / "zone/born.test.zone"
    expect("STSv1" not in zone.read_text(encoding="ascii"), "no record before the file is served")
    publisher.update("born.test")  # the addresses
    publisher.issue("born.test")
    publisher.serve()
    publisher.run("--apply", exits=DONE)
    expect("STSv1" in zone.read_text(encoding="ascii"), "the record follows the file")
    publisher.run(exits=PENDING)
    publisher.update("born.test")
    publisher.run("--apply", exits=DONE)
    told = publisher.run(exits=DONE).stdout
    expect("Nothing to do." in told, told)
    publisher.run("--verify", exits=DONE)
    answer = query("born.test")
    expect((answer["mode"], answer["mx"], answer["max_age"]) == ("testing", [GOOD], 86400), f"mtasts query says {answer}")
    expect(answer["id"] == publisher.domain("born.test")["id"], "the record has the id of the state")


@scenario("publish: enforce is refused before its time and while an MX host's certificate is expired; Exim then delivers under it")
def promoted(world: World) -> None:
    publisher = Publisher(world, entry("promoted.test"))
    publisher.publish_everything("promoted.test")
    told = publisher.run("--promote", "promoted.test", "--apply", exits=REFUSED).stderr
    expect("Wait until" in told and "--force" in told, told)
    pass_time(14)
    world.dns.block("_mta-sts.promoted.test.", "always_nxdomain")
    told = publisher.run("--promote", "promoted.test", "--apply", "--force", exits=REFUSED).stderr
    world.dns.unblock("_mta-sts.promoted.test.")
    expect("no such record" in told, told)
    expect_refused_while_expired(world, publisher, "testing")
    publisher.run("--promote", "promoted.test", "--apply", exits=DONE)
    publisher.update("promoted.test")
    publisher.run("--apply", exits=DONE)
    answer = query("promoted.test")
    expect((answer["mode"], answer["max_age"]) == ("enforce", 604800), f"mtasts query says {answer}")
    expect_delivered(world.send("bob@promoted.test"), "bob@promoted.test", GOOD, verified=True)
    publisher.run("--promote", "promoted.test", "--apply", exits=REFUSED)
    pass_time(7)
    expect_refused_while_expired(world, publisher, "enforce")
    publisher.run("--promote", "promoted.test", "--apply", exits=DONE)
    publisher.update("promoted.test")
    publisher.run("--apply", exits=DONE)
    expect(query("promoted.test")["max_age"] == 2592000, "the aim is reached")
    publisher.run(exits=DONE)
    publisher.run("--verify", exits=DONE)


def expect_refused_while_expired(world: World, publisher: Publisher, mode: str) -> None:
    """The next step of promoted.test, whatever is asked; what is served stays in this `mode`."""
    before = publisher.domain("promoted.test")["id"]
    world.mail_hosts.show(GOOD, Leaf("expired-good", dns=(GOOD,), validity=Validity.EXPIRED))
    world.undo(lambda: world.mail_hosts.show(GOOD, None))
    for force in ((), ("--force",)):
        told = publisher.run("--promote", "promoted.test", "--apply", *force, exits=REFUSED).stderr
        expect(f"mx-certificate-expired {GOOD}" in told and "promote again" in told, told)
        expect("--force it" not in told, f"nothing overrides that: {told}")
    publisher.run("--verify", exits=REFUSED if mode == "enforce" else DONE)
    served = (ROOT / "mta-sts.promoted.test/.well-known/mta-sts.txt").read_text(encoding="ascii")
    expect(f"mode: {mode}\n" in served and publisher.domain("promoted.test")["id"] == before,
           f"what is served should stay: {served}")
    world.mail_hosts.show(GOOD, None)


@scenario("publish: an MX host is replaced without a sender that refuses one of them")
def moved(world: World) -> None:
    publisher = Publisher(world, entry("moved.test"))
    publisher.publish_everything("moved.test")
    LIST.write_text(entry("moved.test").replace(GOOD, SECOND), encoding="utf-8")
    told = publisher.run("--apply", exits=DONE).stdout
    expect("keep until" in told and "then drop" in told, told)
    publisher.update("moved.test")
    expect(query("moved.test")["mx"] == [SECOND, GOOD], "old and new")
    pass_time(1)
    publisher.run("--apply", exits=DONE)
    expect(query("moved.test")["mx"] == [SECOND, GOOD], "the old one is still in DNS")
    change_mx(world, "moved.test", GOOD, SECOND)
    publisher.run("--apply", exits=DONE)
    publisher.update("moved.test")
    expect(query("moved.test")["mx"] == [SECOND], "the old one is gone")


def change_mx(world: World, domain: str, old: str, new: str) -> None:
    told = nsupdate(f"update delete {domain}. MX 10 {old}.\nupdate add {domain}. 300 MX 10 {new}.\nsend\n")
    expect(told == "", f"nsupdate: {told}")
    world.updated(domain)


@scenario("publish: a domain leaves by mode none, then the record, then host and file")
def left(world: World) -> None:
    publisher = Publisher(world, entry("left.test"))
    publisher.publish_everything("left.test")
    publisher.run("--leave", "left.test", "--apply", exits=DONE)
    publisher.update("left.test")
    expect(query("left.test")["mode"] == "none", "mode none is published")
    told = publisher.run("--leave", "left.test", "--apply", exits=REFUSED).stderr
    expect("Wait until" in told, told)
    pass_time(1)
    publisher.run("--leave", "left.test", "--apply", exits=DONE)
    file = ROOT / "mta-sts.left.test/.well-known/mta-sts.txt"
    expect(file.exists(), "the file stays until the record is gone")
    publisher.update("left.test")
    publisher.run("--leave", "left.test", "--apply", exits=DONE)
    expect(not file.exists(), "the file goes last")
    publisher.update("left.test")
    told = publisher.run(exits=DONE).stdout
    expect("left.test: gone" in told and "Nothing to do." in told, told)


@scenario("publish: an alias is delegated by CNAME, and its senders follow the same file")
def alias(world: World) -> None:
    publisher = Publisher(world, entry("owner.test", 'aliases = ["alias.test"]'))
    publisher.publish_everything("owner.test", "alias.test")
    publisher.update("alias.test")
    publisher.run("--apply", exits=DONE)
    expect("Nothing to do." in publisher.run(exits=DONE).stdout, "owner and alias are published")
    answer = query("alias.test")
    expect((answer["mode"], answer["mx"]) == ("testing", [GOOD]), f"mtasts query says {answer}")
