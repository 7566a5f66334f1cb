"""DANE goes first: where all MX hosts have usable TLSA records Postfix judges by them alone, as dane_answer says (R29)."""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from postfix import postfix
from topology import DANE, DANE_LIAR, GOOD, declare
from world import PUBLIC_KEY, Domain, World

WRONG_HASH = "0" * 64
BOGUS = "B0" * 32
ANSWERS = ("notfound", "dane", "dane-only")


def dane_domain(name: str, host: str, address: str, digest: str) -> Domain:
    return declare(Domain(name, (host,), "enforce", signed=True, records=f"mx A {address}\n_25._tcp.mx TLSA 3 1 1 {digest}"))


dane_domain("danegood.test", DANE, "198.51.100.16", PUBLIC_KEY)  # self-signed: MTA-STS alone would refuse it
dane_domain("danebad.test", DANE_LIAR, "198.51.100.17", WRONG_HASH)  # a good certificate: MTA-STS alone would take it
declare(Domain("danepartly.test", (GOOD, DANE), "enforce", signed=True))
declare(Domain("tlsabogus.test", ("mx.tlsabogus.test",), "enforce", signed=True, tampered={BOGUS: "0B" * 32},
               records=f"mx A 198.51.100.11\n_25._tcp.mx TLSA 3 1 1 {BOGUS}"))
declare(Domain("signedonly.test", (GOOD,), "enforce", signed=True))


def answer(kind: str) -> None:
    @scenario(f"R29: dane_answer = {kind}: usable TLSA decides alone, for good and for bad")
    def usable(world: World) -> None:
        world.sender.set_module_configuration(f'[socketmap]\ndane_answer = "{kind}"\n')
        expect_delivered(world.send("bob@danegood.test"), "bob@danegood.test", DANE, verified=True)
        story = world.send("bob@danebad.test")
        expect_waiting(story, "bob@danebad.test")
        expect_contacts(story, [DANE_LIAR])

    @scenario(f"R29: dane_answer = {kind}: TLSA that cannot be judged: mail waits, nobody is connected to")
    def failed(world: World) -> None:
        world.sender.set_module_configuration(f'[socketmap]\ndane_answer = "{kind}"\n')
        story = world.send("bob@tlsabogus.test")
        expect_waiting(story, "bob@tlsabogus.test")
        expect_contacts(story, [])

    @scenario(f"R29: dane_answer = {kind}: TLSA for some MX hosts: only these get mail")
    def partly(world: World) -> None:
        world.sender.set_module_configuration(f'[socketmap]\ndane_answer = "{kind}"\n')
        expect_delivered(world.send("bob@danepartly.test"), "bob@danepartly.test", DANE, verified=True)


for one_answer in ANSWERS:
    answer(one_answer)


def beside_level(level: str) -> None:
    @scenario(f"R29: the default beside level {level}: TLSA decides; without dnssec in main.cf mail waits and is never sent unprotected")
    def fails_safe(world: World) -> None:
        server = postfix(world)
        server.set_main(smtp_tls_security_level=level, smtp_dns_support_level="dnssec")
        expect_delivered(world.send("bob@danegood.test"), "bob@danegood.test", DANE, verified=True)
        expect_waiting(world.send("bob@danebad.test"), "bob@danebad.test")
        server.set_main(smtp_dns_support_level="enabled")
        for domain in ("danegood.test", "danebad.test"):
            story = world.send(f"carol@{domain}")
            expect_waiting(story, f"carol@{domain}")
            expect_contacts(story, [])


for one_level in ("may", "encrypt", "dane"):
    beside_level(one_level)


@scenario("R29: a signed domain without TLSA is judged by its policy")
def signed_only(world: World) -> None:
    expect_delivered(world.send("bob@signedonly.test"), "bob@signedonly.test", GOOD, verified=True)


@scenario("R29: without [policy] dane nobody asks for TLSA, and the policy decides")
def switched_off(world: World) -> None:
    world.sender.set_module_configuration('[policy]\ndane = "off"\n')
    expect_waiting(world.send("bob@danegood.test"), "bob@danegood.test")
    story = world.send("bob@danebad.test")
    expect_delivered(story, "bob@danebad.test", DANE_LIAR, verified=True)
    expect(story.contacted() == [DANE_LIAR], "one host should be connected to", story)
