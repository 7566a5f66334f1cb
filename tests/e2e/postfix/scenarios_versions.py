"""What a version of Postfix checks and what it does not: the names say so, docs/postfix.md explains it.

Since 3.10.5 Postfix compares the MX host's name with the policy (§4.1) and the certificate with the MX host's name (§4.2), if the
answer tells it the policy's patterns. Before, it compares the certificate with what mtastsd wants it to match, and nothing else.
"""

from __future__ import annotations

from framework import expect_contacts, expect_delivered, expect_waiting, scenario
from mx import MailHost
from pki import Leaf
from postfix import postfix
from topology import BAD_HOSTS, GOOD, IMPOSTOR, SECOND, TWO_LABELS, declare, declare_host
from world import Domain, World

THIEF = "thief.mx.test"  # has the key and certificate of a listed host, and is not listed
SWAPPED = "swapped.mx.test"  # is listed, and shows the certificate of another listed host

declare_host(MailHost(THIEF, "198.51.100.30", Leaf(THIEF, dns=(GOOD,))))
declare_host(MailHost(SWAPPED, "198.51.100.31", Leaf(SWAPPED, dns=(GOOD,))))
declare(Domain("stolen.test", (THIEF,), "enforce", (GOOD,)))
declare(Domain("swapped.test", (SWAPPED,), "enforce", (SWAPPED, GOOD)))
declare(Domain("shallow.test", (TWO_LABELS,), "enforce", ("*.mx.test",)))
declare(Domain("parent.test", (TWO_LABELS,), "enforce", ("*.mx.test", "mx.test")))
declare(Domain("skipped.test", (IMPOSTOR, GOOD), "enforce", (GOOD, SECOND)))
declare(Domain("cnonly.test", ("cnonly.mx.test",), "enforce"))
declare(Domain("cnip.test", ("cnip.mx.test",), "enforce"))


def compares_names(world: World) -> bool:
    return postfix(world).version >= (3, 10, 5)


def does_not(world: World) -> bool:
    return not compares_names(world)


@scenario("R24: an unlisted host is not even connected to", compares_names)
def skipped(world: World) -> None:
    story = world.send("bob@skipped.test")
    expect_delivered(story, "bob@skipped.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("R24: an unlisted host with a listed host's certificate gets nothing", compares_names)
def not_stolen(world: World) -> None:
    story = world.send("bob@stolen.test")
    expect_waiting(story, "bob@stolen.test")
    expect_contacts(story, [])


@scenario("R24: a pattern covers no second label", compares_names)
def one_label(world: World) -> None:
    for domain in ("shallow.test", "parent.test"):
        expect_waiting(world.send(f"bob@{domain}"), f"bob@{domain}")


@scenario("R25: a listed host that shows another listed host's certificate gets nothing", compares_names)
def not_swapped(world: World) -> None:
    expect_waiting(world.send("bob@swapped.test"), "bob@swapped.test")


@scenario("known gap before 3.10.5: an unlisted host is connected to, though it gets no mail", does_not)
def connected(world: World) -> None:
    story = world.send("bob@skipped.test")
    expect_delivered(story, "bob@skipped.test", GOOD, verified=True)
    expect_contacts(story, [IMPOSTOR, GOOD])


@scenario("known gap before 3.10.5: an unlisted host with a listed host's certificate gets the mail", does_not)
def stolen(world: World) -> None:
    expect_delivered(world.send("bob@stolen.test"), "bob@stolen.test", THIEF, verified=True)


@scenario("known gap before 3.10.5: a pattern covers any number of labels", does_not)
def any_depth(world: World) -> None:
    expect_delivered(world.send("bob@shallow.test"), "bob@shallow.test", TWO_LABELS, verified=True)


@scenario("known gap before 3.10.5: a listed host that shows another listed host's certificate gets the mail", does_not)
def swapped(world: World) -> None:
    expect_delivered(world.send("bob@swapped.test"), "bob@swapped.test", SWAPPED, verified=True)


@scenario("known gap in every version: a name in the certificate's Common Name alone is enough")
def common_name(world: World) -> None:
    expect_delivered(world.send("bob@cnonly.test"), "bob@cnonly.test", BAD_HOSTS["common name only"][0].name, verified=True)
    expect_delivered(world.send("bob@cnip.test"), "bob@cnip.test", BAD_HOSTS["common name and an address"][0].name, verified=True)
