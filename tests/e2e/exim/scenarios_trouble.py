"""Names or policy hosts that fail: a cached policy holds, an unknown one does not stop mail (R16, R17, R20)."""

from __future__ import annotations

import time

from every_trouble import expect_fetched_once, resolver
from framework import expect, expect_contacts, expect_delivered, expect_logged, expect_waiting, scenario
from pki import Issuer, Leaf, Validity
from topology import GOOD, IMPOSTOR, PLAIN, declare, word
from web import Place, PolicyHost
from world import SILENT_RESOLVER, Domain, World


@scenario("resolver is silent, nothing cached: delivered as before within the deadline")
def silent_unknown(world: World) -> None:
    world.sender.set_module_configuration(resolver(SILENT_RESOLVER))
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect(story.seconds < 20, f"it took {story.seconds:.0f} s", story)


@scenario("policy host is late: deferred at the deadline, fetched in the background, then delivered by the policy")
def late(world: World) -> None:
    world.sender.set_module_configuration("[engine]\ndeadline_s = 1\n")
    story = world.send("bob@late.test")
    expect_waiting(story, "bob@late.test")
    expect_contacts(story, [])
    time.sleep(4)
    story = world.queue_run()
    expect_delivered(story, "bob@late.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])
    expect_fetched_once(world, "late.test")


HOSTILE = [declare(Domain(f"hostile{number}.test", (IMPOSTOR,), "enforce", host=PolicyHost("", place=Place.SILENT))).name for number in range(3)]


@scenario("three domains with silent policy hosts: one deadline for all of them, and a fourth recipient is delivered (M4)")
def one_budget(world: World) -> None:
    world.sender.set_module_configuration("[engine]\ndeadline_s = 6\n")
    story = world.send("bob@cautious.test", *(f"eve@{domain}" for domain in HOSTILE))
    expect_delivered(story, "bob@cautious.test", GOOD, verified=True)
    for domain in HOSTILE:
        expect_waiting(story, f"eve@{domain}")
    expect(story.seconds < 11, f"one deadline of 6 s and two moments should be enough, and it took {story.seconds:.0f} s", story)


@scenario("the deadline is used up while the record is asked for: that is no failure of DNS, mail waits (M4)")
def budget_used_up(world: World) -> None:
    world.sender.set_module_configuration(resolver(SILENT_RESOLVER, timeout=5) + "[engine]\ndeadline_s = 1\n")
    recipients = ["bob@cautious.test", "bob@cautious2.test"]
    story = world.send(*recipients)
    states = sorted(story.outcome(recipient).state for recipient in recipients)
    expect(states == ["deferred", "delivered"], f"the first should be delivered as before and the second wait: {states}", story)


# Policy hosts that must not be believed (R11-R14), and what is told of them.
WEB_PKI, FETCH, INVALID = "sts-webpki-invalid", "sts-policy-fetch-error", "sts-policy-invalid"
BAD_POLICY_HOSTS: dict[str, tuple[PolicyHost, str]] = {
    "self-signed": (PolicyHost("", leaf=Leaf("p-self", dns=("mta-sts.ph-selfsigned.test",), issuer=Issuer.SELF)), WEB_PKI),
    "unknown root": (PolicyHost("", leaf=Leaf("p-root", dns=("mta-sts.ph-unknownroot.test",), issuer=Issuer.UNKNOWN_ROOT)), WEB_PKI),
    "expired": (PolicyHost("", leaf=Leaf("p-exp", dns=("mta-sts.ph-expired.test",), validity=Validity.EXPIRED)), WEB_PKI),
    "wrong name": (PolicyHost("", leaf=Leaf("p-name", dns=("www.ph-wrongname.test",))), WEB_PKI),
    "common name only": (PolicyHost("", leaf=Leaf("p-cn", common_name="mta-sts.ph-commonnameonly.test")), WEB_PKI),
    "TLS 1.1": (PolicyHost("", place=Place.OLD_TLS), FETCH),
    "redirect": (PolicyHost("", status=301, location="https://mta-sts.cautious.test/.well-known/mta-sts.txt"), FETCH),
    "not found": (PolicyHost("", status=404), FETCH),
    "HTML": (PolicyHost("", content_type="text/html"), FETCH),
    "endless": (PolicyHost("", place=Place.RAW, behaviour="chunked_giant"), FETCH),
}


def bad_policy_host(kind: str) -> None:
    host, result = BAD_POLICY_HOSTS[kind]
    domain = declare(Domain(f"ph-{word(kind)}.test", (PLAIN,), "enforce", (GOOD,), host=host))

    @scenario(f"policy host: {kind}: no policy, delivered as before, and the log says why")
    def not_believed(world: World) -> None:
        story = world.send(f"bob@{domain.name}")
        expect_delivered(story, f"bob@{domain.name}", PLAIN)
        expect_logged(story, domain.name, result)


for one_kind in BAD_POLICY_HOSTS:
    bad_policy_host(one_kind)
