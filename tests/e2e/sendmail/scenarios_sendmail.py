"""What is Sendmail's own: no answer is no delivery, names are tested by subjectAltName, a smarthost has the recipients' policies."""

from __future__ import annotations

from framework import expect_contacts, expect_delivered, expect_waiting, scenario
from mx import MailHost
from pki import Leaf
from every_enforce import COMMON_NAME_KINDS, bad_certificate
from sendmail import sendmail
from topology import BAD_SMARTHOST, DANE, DANE_LIAR, GOOD, GOOD_SMARTHOST, PLAIN, SELF_SIGNED, TWO_LABELS, declare, declare_host
from world import PUBLIC_KEY, SILENT_RESOLVER, Domain, World

THIEF = "thief.mx.test"  # has the key and certificate of a listed host, and is not listed
SWAPPED = "swapped.mx.test"  # is listed, and shows the certificate of another listed host
OTHERS_WILDCARD = "otherswildcard.mx.test"  # a wildcard, and not for its own name

declare_host(MailHost(THIEF, "198.51.100.30", Leaf(THIEF, dns=(GOOD,))))
declare_host(MailHost(SWAPPED, "198.51.100.31", Leaf(SWAPPED, dns=(GOOD,))))
declare_host(MailHost(OTHERS_WILDCARD, "198.51.100.32", Leaf(OTHERS_WILDCARD, dns=("*.labels.mx.test", "*.test", "*.otherswildcard.mx.test"))))
declare(Domain("stolen.test", (THIEF,), "enforce", (GOOD,)))
declare(Domain("swapped.test", (SWAPPED,), "enforce", (SWAPPED, GOOD)))
declare(Domain("otherswildcard.test", (OTHERS_WILDCARD,), "enforce"))
declare(Domain("shallow.test", (TWO_LABELS,), "enforce", ("*.mx.test", "mx.test")))
declare(Domain("steady.test", (GOOD,), "enforce"))
# Names before the one that Sendmail would cut down to GOOD's, at one of these places.
CUTS = range(234, 250)
for before in CUTS:
    fillers = [f"{'a' * (length - 12)}.example.com" for length in (59, 59, 59, before - 181)]
    declare(Domain(f"cut{before}.test", (GOOD,), "enforce", (*fillers, f"{GOOD}.uk")))
declare(Domain("longlist.test", (GOOD,), "enforce", (GOOD, *(f"mx{number}.example.com" for number in range(1000)))))
declare(Domain("steadyplain.test", (PLAIN,)))
declare(Domain("exempt.test", (SELF_SIGNED,), "enforce"))

for name, address, digest in (("danegood.test", "198.51.100.16", PUBLIC_KEY), ("danebad.test", "198.51.100.17", "0" * 64)):
    declare(Domain(name, (f"mx.{name}",), "enforce", signed=True, records=f"mx A {address}\n_25._tcp.mx TLSA 3 1 1 {digest}"))
declare(Domain("daneunlisted.test", (DANE,), "enforce", (GOOD,), signed=True))
declare(Domain(GOOD_SMARTHOST, (GOOD_SMARTHOST,), "enforce", records="@ A 198.51.100.40"))
declare(Domain(BAD_SMARTHOST, (BAD_SMARTHOST,), "enforce", records="@ A 198.51.100.41"))

for one_kind in COMMON_NAME_KINDS:
    bad_certificate(one_kind)


@scenario("R24: an unlisted host with a listed host's certificate gets nothing")
def stolen(world: World) -> None:
    expect_waiting(world.send("bob@stolen.test"), "bob@stolen.test")


@scenario("R24: a pattern covers no second label")
def one_label(world: World) -> None:
    expect_waiting(world.send("bob@shallow.test"), "bob@shallow.test")


@scenario("R25: a listed host that shows another listed host's certificate gets nothing")
def swapped(world: World) -> None:
    expect_waiting(world.send("bob@swapped.test"), "bob@swapped.test")


@scenario("R25: a wildcard certificate proves names one label below it, and no others")
def others_wildcard(world: World) -> None:
    expect_waiting(world.send("bob@otherswildcard.test"), "bob@otherswildcard.test")


@scenario("R29: with confDANE usable TLSA decides alone, for good and for bad", lambda world: sendmail(world).version >= (8, 18))
def dane(world: World) -> None:
    sendmail(world).add_line("define(`confDANE', `true')dnl")
    expect_delivered(world.send("bob@danegood.test"), "bob@danegood.test", DANE)
    expect_waiting(world.send("bob@danebad.test"), "bob@danebad.test")
    expect_delivered(world.send("bob@daneunlisted.test"), "bob@daneunlisted.test", DANE)
    expect_delivered(world.send("bob@steady.test"), "bob@steady.test", GOOD, verified=True)


@scenario("R29: without confDANE, or before 8.18, nobody looks at TLSA, and the policy decides")
def no_dane(world: World) -> None:
    expect_waiting(world.send("bob@danegood.test"), "bob@danegood.test")
    expect_waiting(world.send("bob@daneunlisted.test"), "bob@daneunlisted.test")
    expect_delivered(world.send("bob@danebad.test"), "bob@danebad.test", DANE_LIAR, verified=True)


@scenario("R1: known gap in every version: a smarthost is judged by the recipients' policies, not by its own")
def smarthost(world: World) -> None:
    sendmail(world).add_line(f"define(`SMART_HOST', `{GOOD_SMARTHOST}')dnl")
    expect_delivered(world.send("bob@steadyplain.test"), "bob@steadyplain.test", GOOD_SMARTHOST)
    expect_waiting(world.send("bob@steady.test"), "bob@steady.test")
    sendmail(world).add_line(f"define(`SMART_HOST', `{BAD_SMARTHOST}')dnl")
    expect_delivered(world.send("bob@steadyplain.test"), "bob@steadyplain.test", BAD_SMARTHOST)


@scenario("mtastsd is stopped: mail for everybody waits, and goes out when it is back")
def stopped(world: World) -> None:
    sendmail(world).mtastsd.stop()
    for recipient in ("bob@steady.test", "bob@steadyplain.test"):
        story = world.send(recipient)
        expect_waiting(story, recipient)
    sendmail(world).mtastsd.start()
    sendmail(world).forget_retries()
    story = world.queue_run()
    expect_delivered(story, "bob@steady.test", GOOD, verified=True)
    expect_delivered(story, "bob@steadyplain.test", PLAIN)


@scenario("mtastsd says TEMP: mail waits")
def temporary(world: World) -> None:
    world.sender.set_module_configuration('[dns]\nresolvers = ["198.51.100.56:53"]\ntimeout_s = 1\n[engine]\non_dns_failure = "defer"\n')
    expect_waiting(world.send("bob@steady.test"), "bob@steady.test")


@scenario("the answer takes longer than the five seconds that Sendmail waits by itself: it comes all the same")
def patient(world: World) -> None:
    world.sender.set_module_configuration(f'[dns]\nresolvers = ["{SILENT_RESOLVER[0]}:{SILENT_RESOLVER[1]}"]\ntimeout_s = 6\n')
    expect_delivered(world.send("bob@steadyplain.test"), "bob@steadyplain.test", PLAIN)


@scenario("a policy with more names than Sendmail takes: the first ones count, and no name is cut off to one of somebody else's")
def long_list(world: World) -> None:
    expect_delivered(world.send("bob@longlist.test"), "bob@longlist.test", GOOD, verified=True)
    for place in CUTS:
        expect_waiting(world.send(f"bob@cut{place}.test"), f"bob@cut{place}.test")


@scenario("SIGHUP: a new configuration counts at once")
def reloaded(world: World) -> None:
    expect_waiting(world.send("bob@exempt.test"), "bob@exempt.test")
    sendmail(world).write_module_configuration('[[policy.override]]\ndomain = "exempt.test"\nmode = "none"\n')
    sendmail(world).mtastsd.reload()
    sendmail(world).forget_retries()
    story = world.queue_run()
    expect_delivered(story, "bob@exempt.test", SELF_SIGNED)
    expect_contacts(story, [SELF_SIGNED])
