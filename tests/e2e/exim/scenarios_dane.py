"""DANE goes first: a host with usable TLSA records is judged by them alone (R29)."""

from __future__ import annotations

import json
import subprocess

from framework import expect, expect_contacts, expect_delivered, expect_logged, expect_waiting, scenario
from mx import MailHost
from pki import Key, Leaf
from topology import DANE, DANE_LIAR, GOOD, IMPOSTOR, declare, declare_host
from world import OTHER_RESOLVER, PUBLIC_KEY, RESOLVER, Domain, World, replace_file

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
        said = world.sender.mode_of(domain).strip()
        expect(said == mode, f"the mode of {domain} should be {mode} and is {said!r}")


@scenario("R29: a TLSA record with a broken signature is no reason to take MTA-STS instead: mail waits")
def bogus(world: World) -> None:
    answer = told("tlsabogus.test")
    expect(answer["dane"] == "unknown" and answer["mode"] == "enforce", f"DANE of tlsabogus.test should be unknown: {answer}")
    said = world.sender.mode_of("tlsabogus.test")
    expect("Failed" in said and "DANE cannot be judged" in said, f"mta_sts_mode should fail with the reason: {said}")
    expect_waiting(world.send("bob@tlsabogus.test"), "bob@tlsabogus.test")


@scenario("R29: AD counts where a resolver was seen to validate or the administrator says so, and not at other addresses (M6)")
def whose_ad(world: World) -> None:
    replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\n")
    world.undo(lambda: replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\noptions trust-ad edns0\n"))
    for setting, dane, why in (("", "all", "counts when it has been seen to validate"),
                               (f'resolvers = ["{OTHER_RESOLVER[0]}"]\n', "none", "it is neither 127.0.0.1 nor ::1"),
                               (f'resolvers = ["{OTHER_RESOLVER[0]}"]\ntrust_ad = "always"\n', "all", 'dns.trust_ad is "always"')):
        world.sender.set_module_configuration("[dns]\n" + setting)
        world.sender.forget_policies()
        expect(told("danegood.test")["dane"] == dane, f"DANE should be {dane}: {told('danegood.test')}")
        shown = subprocess.run(["mtasts", "config"], capture_output=True, text=True, check=False).stdout
        expect(why in shown, f"mtasts config should say why: {shown}")
    replace_file("/etc/resolv.conf", f"nameserver {OTHER_RESOLVER[0]}\noptions trust-ad\n")
    world.sender.set_module_configuration("")
    world.sender.forget_policies()
    expect(told("danegood.test")["dane"] == "all", "options trust-ad should count")


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


# A certificate of the authority that the TLSA record names, for another host; a public root vouches for that authority.
FOREIGN = "mx.daneforeign.test"
PUBLIC_AUTHORITY = Leaf("dane-public", common_name="a public authority that TLSA names", is_authority=True, purpose="")
declare_host(MailHost(FOREIGN, "198.51.100.140", Leaf(FOREIGN, dns=("www.mx.test",), issuer=PUBLIC_AUTHORITY, key=Key.RSA_2048)))
declare(Domain("daneforeign.test", (FOREIGN,), "enforce", signed=True, records=f"mx A 198.51.100.140\n_25._tcp.mx TLSA 2 1 1 {PUBLIC_KEY}"))


@scenario("R29: DANE-TA: a certificate of the authority that TLSA names, but for another host, is refused (RFC 7672 §3.2.3)")
def foreign_name(world: World) -> None:
    expect_waiting(world.send("bob@daneforeign.test"), "bob@daneforeign.test")


# MX hosts that the policy does not list, and DANE judges.
BOTH = "mx.daneboth.test"  # a public authority vouches for it as well
NOBODY = ("nobody.mx.test",)
declare_host(MailHost(BOTH, "198.51.100.19"))
declare(Domain("daneboth.test", (BOTH,), "enforce", NOBODY, signed=True, records=f"mx A 198.51.100.19\n_25._tcp.mx TLSA 3 1 1 {PUBLIC_KEY}"))
declare(Domain("unlistedgood.test", (IMPOSTOR, DANE, GOOD), "enforce", (GOOD,), signed=True))
declare(Domain("unlistedbad.test", (DANE_LIAR,), "enforce", NOBODY, signed=True))
declare(Domain("unlistedbogus.test", ("mx.tlsabogus.test",), "enforce", NOBODY, signed=True))
declare(Domain("unlistedforged.test", (DANE,), "enforce", (GOOD,)))


@scenario("R29: an MX that the policy does not list gets mail where its TLSA records match; others of the kind are not contacted (M5)")
def unlisted_good(world: World) -> None:
    for domain, host in (("unlistedgood.test", DANE), ("daneboth.test", BOTH)):
        story = world.send(f"bob@{domain}")
        expect_delivered(story, f"bob@{domain}", host)
        expect_contacts(story, [host])
        expect("CV=dane" in story.outcome(f"bob@{domain}").text, "the log should say CV=dane", story)
        expect_logged(story, "event=dane-decides", domain, host)


@scenario("R29: an MX that the policy does not list and TLSA does not match: mail waits, the log says that DANE decided (M5)")
def unlisted_bad(world: World) -> None:
    story = world.send("bob@unlistedbad.test")
    expect_waiting(story, "bob@unlistedbad.test")
    expect_contacts(story, [DANE_LIAR])
    expect_logged(story, "event=enforce-failure", DANE_LIAR, "by=dane")


@scenario("R29: an MX that the policy does not list, with bogus TLSA or unsigned MX records: mail waits, nobody is connected to (M5)")
def unlisted_not_judged(world: World) -> None:
    for domain in ("unlistedbogus.test", "unlistedforged.test"):
        story = world.send(f"bob@{domain}")
        expect_waiting(story, f"bob@{domain}")
        expect_contacts(story, [])


@scenario("R29: [policy] dane = off: an MX that the policy does not list is not contacted, whatever TLSA says (M5)")
def unlisted_switched_off(world: World) -> None:
    world.sender.set_module_configuration("[policy]\ndane = \"off\"\n")
    story = world.send("bob@unlistedgood.test")
    expect_delivered(story, "bob@unlistedgood.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("R29: an Exim that sees no DNSSEC sends nothing to an MX that only DANE allows, though its certificate is good (M5)")
def unlisted_unseen(world: World) -> None:
    replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\noptions edns0\n")
    world.undo(lambda: replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\noptions trust-ad edns0\n"))
    expect(told("daneboth.test")["dane"] == "all", "mtasts should have seen its resolver validate")
    story = world.send("bob@daneboth.test")
    expect_waiting(story, "bob@daneboth.test")
    expect_logged(story, "event=enforce-failure", BOTH, "the policy does not list this MX, and Exim found no TLSA records")
