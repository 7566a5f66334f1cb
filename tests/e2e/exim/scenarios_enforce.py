"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26)."""

from __future__ import annotations

import time
from pathlib import Path

from every_enforce import bad_certificate
from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from topology import BAD_HOSTS, GOOD, PLAIN, SELF_SIGNED, TWO_LABELS, declare
from world import Domain, World

ENFORCE = "remote_smtp_mta_sts"

declare(Domain("shallowpattern.test", (TWO_LABELS,), "enforce", ("*.mx.test", "mx.test")))
declare(Domain("borrowed.test", ("mx.borrowed.test",), "enforce", records=f"mx CNAME {GOOD}."))


@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    story = world.send("bob@nopolicy.test")
    expect_delivered(story, "bob@nopolicy.test", PLAIN)
    expect(story.outcome("bob@nopolicy.test").transport == "remote_smtp", "Debian's own transport should be used", story)
    expect_delivered(world.send("bob@nopolicybadtls.test"), "bob@nopolicybadtls.test", SELF_SIGNED)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI")
def listed(world: World) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect(story.outcome("bob@listed.test").transport == ENFORCE, f"the transport should be {ENFORCE}", story)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", GOOD)], "TLS 1.3 with SNI is wanted", story)


@scenario("enforce: an unlisted first host is never connected to, the second gets the mail")
def unlisted(world: World) -> None:
    story = world.send("bob@unlisted.test")
    expect_delivered(story, "bob@unlisted.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("enforce: no host is listed: deferred without any connection, also at the next queue run")
def none_listed(world: World) -> None:
    story = world.send("bob@nonelisted.test")
    expect_waiting(story, "bob@nonelisted.test")
    expect_contacts(story, [])
    again = world.queue_run()
    expect_waiting(again, "bob@nonelisted.test")
    expect_contacts(again, [])


@scenario("enforce: the listed host is down: deferred, an unlisted one that is up gets nothing")
def listed_down(world: World) -> None:
    story = world.send("bob@listeddown.test")
    expect_waiting(story, "bob@listeddown.test")
    expect_contacts(story, [])


@scenario("enforce: a pattern covers one label, whatever the case")
def pattern(world: World) -> None:
    expect_delivered(world.send("bob@Pattern.TEST"), "bob@pattern.test", GOOD, verified=True)


@scenario("enforce: a pattern covers no second label")
def shallow_pattern(world: World) -> None:
    story = world.send("bob@shallowpattern.test")
    expect_waiting(story, "bob@shallowpattern.test")
    expect_contacts(story, [])


@scenario("enforce: a host that failed for long is tried before a message is bounced")
def failed_for_long(world: World) -> None:
    """Exim keeps failures by the host's own name: somebody whose MX is an alias of another's host makes it fail there."""
    rule = Path("/etc/exim4/conf.d/retry/00_short")
    rule.write_text("* * F,1s,3s\n", encoding="ascii")
    world.undo(world.sender.configure)
    world.undo(rule.unlink)
    world.sender.configure()
    expect(not world.send("eve@borrowed.test").arrived(), "an alias proves no name")
    time.sleep(3.1)
    world.send("eve@borrowed.test")  # fails again, and the time for retries is over
    expect_delivered(world.send("bob@listed.test"), "bob@listed.test", GOOD, verified=True)


for one_kind in BAD_HOSTS:
    bad_certificate(one_kind)
