"""DANE goes first: a host with usable TLSA records is judged by them alone (R29)."""

from __future__ import annotations

import json
import subprocess

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from scenarios_configuration import module
from topology import DANE, DANE_LIAR, declare
from world import PUBLIC_KEY, Domain, World

WRONG_HASH = "0" * 64


def dane_domain(name: str, host: str, address: str, digest: str) -> Domain:
    return declare(Domain(name, (host,), "enforce", signed=True, records=f"mx A {address}\n_25._tcp.mx TLSA 3 1 1 {digest}"))


dane_domain("danegood.test", DANE, "198.51.100.16", PUBLIC_KEY)
dane_domain("danebad.test", DANE_LIAR, "198.51.100.17", WRONG_HASH)


declare(Domain("signedonly.test", ("mx.signedonly.test",), "enforce", signed=True, records="mx A 198.51.100.18"))
declare(Domain("tlsabogus.test", ("mx.tlsabogus.test",), "enforce", signed=True, tampered={"B0" * 32: "0B" * 32},
               records="mx A 198.51.100.18\n_25._tcp.mx TLSA 3 1 1 " + "B0" * 32))


def told(domain: str) -> dict[str, object]:
    result = subprocess.run(["mtasts", "query", "--json", domain], capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


@scenario("R29: the command line and mta_sts_mode tell whether DANE goes first")
def told_by_hand(world: World) -> None:
    for domain, mode, dane in (("danegood.test", "dane", "all"), ("signedonly.test", "enforce", "none"),
                               ("chosen.test", "enforce", "none")):
        answer = told(domain)
        expect(answer["dane"] == dane and answer["mode"] == "enforce", f"{domain} should be enforce, DANE {dane}: {answer}")
        said = world.sender.exim("-be", f"${{dlfunc{{{module()}}}{{mta_sts_mode}}{{{domain}}}}}").strip()
        expect(said == mode, f"the mode of {domain} should be {mode} and is {said!r}")


@scenario("R29: a TLSA record with a broken signature is no reason to take MTA-STS instead: mail waits")
def bogus(world: World) -> None:
    answer = told("tlsabogus.test")
    expect(answer["dane"] == "unknown" and answer["mode"] == "enforce", f"DANE of tlsabogus.test should be unknown: {answer}")
    said = world.sender.exim("-be", f"${{dlfunc{{{module()}}}{{mta_sts_mode}}{{tlsabogus.test}}}}")
    expect("Failed" in said and "DANE cannot be judged" in said, f"mta_sts_mode should fail with the reason: {said}")
    expect_waiting(world.send("bob@tlsabogus.test"), "bob@tlsabogus.test")


@scenario("R29: without [policy] dane nobody asks")
def switched_off(world: World) -> None:
    world.sender.set_module_configuration("[policy]\ndane = \"off\"\n")
    answer = told("danegood.test")
    expect(answer["dane"] is None and answer["mode"] == "enforce", f"danegood.test should be enforce and nothing of DANE: {answer}")


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
