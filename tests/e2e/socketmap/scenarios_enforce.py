"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26).

For every server that asks mtastsd. What a version does not check is in the server's own scenarios, by name.
"""

from __future__ import annotations

from every_enforce import COMMON_NAME_KINDS, bad_certificate
from framework import expect, expect_delivered, expect_waiting, scenario
from topology import BAD_HOSTS, GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

# In Postfix's match= these stand for any MX host, for the domain, and for what is below it.
WORDS = ("hostname", "nexthop", "dot-nexthop")
declare(Domain("words.test", (IMPOSTOR,), "enforce", WORDS))
declare(Domain("wordsandname.test", (IMPOSTOR, GOOD), "enforce", (*WORDS, GOOD)))


@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    expect_delivered(world.send("bob@nopolicy.test"), "bob@nopolicy.test", PLAIN)
    expect_delivered(world.send("bob@nopolicybadtls.test"), "bob@nopolicybadtls.test", SELF_SIGNED, verified=False)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI")
def listed(world: World) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", GOOD)], "TLS 1.3 with SNI is wanted", story)


@scenario("enforce: an unlisted first host gets nothing, the second gets the mail")
def unlisted(world: World) -> None:
    story = world.send("bob@unlisted.test")
    expect_delivered(story, "bob@unlisted.test", GOOD, verified=True)


@scenario("enforce: no host is listed: deferred, also at the next queue run")
def none_listed(world: World) -> None:
    expect_waiting(world.send("bob@nonelisted.test"), "bob@nonelisted.test")
    expect_waiting(world.queue_run(), "bob@nonelisted.test")


@scenario("enforce: the listed host is down: deferred, an unlisted one that is up gets nothing")
def listed_down(world: World) -> None:
    expect_waiting(world.send("bob@listeddown.test"), "bob@listeddown.test")


@scenario("enforce: a pattern covers one label, whatever the case")
def pattern(world: World) -> None:
    expect_delivered(world.send("bob@Pattern.TEST"), "bob@pattern.test", GOOD, verified=True)


@scenario("enforce: a pattern that is a word of the server's own language allows no host")
def words(world: World) -> None:
    expect_delivered(world.send("bob@wordsandname.test"), "bob@wordsandname.test", GOOD, verified=True)
    expect_waiting(world.send("bob@words.test"), "bob@words.test")


for one_kind in BAD_HOSTS:
    if one_kind not in COMMON_NAME_KINDS:
        bad_certificate(one_kind)
