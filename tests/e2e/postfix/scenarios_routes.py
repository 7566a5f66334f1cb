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


def smarthost(form: str) -> None:
    @scenario(f"R1: smarthost {form}: its own policy counts, not the recipient's")
    def good(world: World) -> None:
        postfix(world).set_main(relayhost=form.replace("HOST", GOOD_SMARTHOST))
        story = world.send("bob@routed.test")
        expect_delivered(story, "bob@routed.test", GOOD_SMARTHOST, verified=True)
        expect([event.sni for event in story.arrived()] == [GOOD_SMARTHOST], "SNI should be the smarthost's name", story)
        postfix(world).set_main(relayhost=form.replace("HOST", BAD_SMARTHOST))
        expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")


for one_form in ("[HOST]:25", "[HOST]", "HOST", "HOST:25"):
    smarthost(one_form)


@scenario("R2: a smarthost that is an address has no policy, and mail goes there as before")
def literal(world: World) -> None:
    postfix(world).set_main(relayhost="[198.51.100.24]")  # SELF_SIGNED's
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)
    postfix(world).set_main(relayhost="[198.51.100.24]:25")
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)


@scenario("R28: a table of the administrator's own, in front of ours, is not overruled")
def own_table(world: World) -> None:
    postfix(world).root.path("/etc/postfix/tls_policy").write_text("routed.test encrypt\nroutedplain.test encrypt\n", encoding="ascii")
    ours = postfix(world).root.run("postconf", "-h", "smtp_tls_policy_maps").strip()
    postfix(world).set_main(smtp_tls_policy_maps=f"texthash:/etc/postfix/tls_policy, {ours}")
    expect_delivered(world.send("bob@routed.test"), "bob@routed.test", SELF_SIGNED)
    expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")


@scenario("R29: a stricter level for everybody stays in force where there is no policy")
def stricter(world: World) -> None:
    postfix(world).set_main(smtp_tls_security_level="encrypt")
    expect_waiting(world.send("bob@routedplain.test"), "bob@routedplain.test")
