"""Next hops in every form that Postfix asks for: domains, U-labels, smarthosts with brackets and ports, literals (R1, R2)."""

from __future__ import annotations

from framework import expect, expect_delivered, expect_waiting, scenario
from postfix import postfix
from topology import BAD_SMARTHOST, GOOD, GOOD_SMARTHOST, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

A_LABEL = "xn--bcher-kva.test"
U_LABEL = "bücher.test"

declare(Domain(A_LABEL, (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("routed.test", (SELF_SIGNED,), "enforce"))
declare(Domain("routedplain.test", (PLAIN,)))
declare(Domain("inside.listed-above.test", (PLAIN,)))
declare(Domain("listed-above.test", (GOOD,), "enforce"))
declare(Domain(GOOD_SMARTHOST, (GOOD_SMARTHOST,), "enforce", records="@ A 198.51.100.40"))
declare(Domain(BAD_SMARTHOST, (BAD_SMARTHOST,), "enforce", records="@ A 198.51.100.41"))


@scenario("R2: a recipient's domain in U-labels has the policy of its A-labels")
def u_label(world: World) -> None:
    expect_delivered(world.send(f"bob@{U_LABEL}"), f"bob@{U_LABEL}", GOOD, verified=True)
    expect_delivered(world.send(f"bob@{A_LABEL}"), f"bob@{A_LABEL}", GOOD, verified=True)


@scenario("R1: a subdomain does not have its parent's policy, though Postfix asks for that, too")
def subdomain(world: World) -> None:
    expect_delivered(world.send("bob@listed-above.test"), "bob@listed-above.test", GOOD, verified=True)
    expect_delivered(world.send("bob@inside.listed-above.test"), "bob@inside.listed-above.test", PLAIN)


@scenario("R1: a smarthost's own policy counts, not the recipient's")
def smarthost(world: World) -> None:
    postfix(world).set_main(relayhost=f"[{GOOD_SMARTHOST}]:25")
    story = world.send("bob@routed.test")
    expect_delivered(story, "bob@routed.test", GOOD_SMARTHOST, verified=True)
    expect([event.sni for event in story.arrived()] == [GOOD_SMARTHOST], "SNI should be the smarthost's name", story)
    postfix(world).set_main(relayhost=f"[{BAD_SMARTHOST}]:25")
    expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")


@scenario("R1: a next hop of the transport table, in each of its forms: its own policy counts")
def transports(world: World) -> None:
    forms = ("[{0}]:25", "[{0}]", "{0}", "{0}:25")
    table = {f"{kind}{number}@routed.test": form.format(host) for kind, host in {"good": GOOD_SMARTHOST, "bad": BAD_SMARTHOST}.items()
             for number, form in enumerate(forms)}
    postfix(world).write_table("/etc/postfix/transport", {recipient: f"smtp:{hop}" for recipient, hop in table.items()})
    postfix(world).set_main(transport_maps="texthash:/etc/postfix/transport")
    story = world.send(*table)
    for recipient in table:
        if recipient.startswith("good"):
            expect_delivered(story, recipient, GOOD_SMARTHOST, verified=True)
        else:
            expect_waiting(story, recipient)


@scenario("R2: a smarthost that is an address has no policy, and mail goes there as before")
def literal(world: World) -> None:
    postfix(world).set_main(relayhost="[198.51.100.24]")  # SELF_SIGNED's
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)
    postfix(world).set_main(relayhost="[198.51.100.24]:25")
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)


@scenario("R28: a table of the administrator's own, in front of ours, is not overruled")
def own_table(world: World) -> None:
    postfix(world).write_table("/etc/postfix/tls_policy", {"routed.test": "encrypt", "routedplain.test": "encrypt"})
    ours = postfix(world).root.run("postconf", "-h", "smtp_tls_policy_maps").strip()
    postfix(world).set_main(smtp_tls_policy_maps=f"texthash:/etc/postfix/tls_policy, {ours}")
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)
    expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")


@scenario("R29: a stricter level for everybody stays in force where there is no policy")
def stricter(world: World) -> None:
    postfix(world).set_main(smtp_tls_security_level="encrypt")
    expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")
