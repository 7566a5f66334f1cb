"""DANE goes first: a host with usable TLSA records is judged by them alone (R29)."""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from topology import DANE, DANE_LIAR, declare
from world import PUBLIC_KEY, Domain, World

WRONG_HASH = "0" * 64


def dane_domain(name: str, host: str, address: str, digest: str) -> Domain:
    return declare(Domain(name, (host,), "enforce", signed=True, records=f"mx A {address}\n_25._tcp.mx TLSA 3 1 1 {digest}"))


dane_domain("danegood.test", DANE, "198.51.100.16", PUBLIC_KEY)
dane_domain("danebad.test", DANE_LIAR, "198.51.100.17", WRONG_HASH)


@scenario("DANE: a self-signed certificate that TLSA names is good, with an enforce policy too")
def good(world: World) -> None:
    story = world.send("bob@danegood.test")
    expect_delivered(story, "bob@danegood.test", DANE)
    expect("CV=dane" in story.outcome("bob@danegood.test").text, "the log should say CV=dane", story)


@scenario("DANE: a certificate that TLSA does not name is refused, though MTA-STS would take it")
def bad(world: World) -> None:
    story = world.send("bob@danebad.test")
    expect_waiting(story, "bob@danebad.test")
    expect_contacts(story, [DANE_LIAR])
