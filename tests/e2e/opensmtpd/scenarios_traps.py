"""What smtpd does with a table's answers that one would not expect: closed by the example, or shown."""

from __future__ import annotations

from typing import Callable

from framework import expect, expect_delivered, scenario
from mail_server import Outcome, message
from mx import MailHost
from opensmtpd import opensmtpd
from pki import Issuer, Leaf
from topology import GOOD, PLAIN, SELF_SIGNED, declare, declare_host
from world import Domain, Trace, World

NO_PROBE = "[opensmtpd]\nprobe = false\n"
TURNING = "turning.mx.test"

declare_host(MailHost(TURNING, "198.51.100.44"))
declare(Domain("trapgood.test", (GOOD,), "enforce"))
declare(Domain("trapplain.test", (PLAIN,)))
declare(Domain("trapself.test", (SELF_SIGNED,)))
declare(Domain("trapbad.test", (SELF_SIGNED,), "enforce"))
declare(Domain("lax.test", (SELF_SIGNED,)))
declare(Domain("turning.test", (TURNING,), "enforce"))


def is_seven(world: World) -> bool:
    return opensmtpd(world).version >= (7, 0)


@scenario("trap 1: after mail to a protected domain all others still go as before, in the clear or with a bad certificate")
def two_actions(world: World) -> None:
    expect_delivered(world.send("bob@trapgood.test"), "bob@trapgood.test", GOOD, verified=True)
    expect_delivered(world.send("bob@trapplain.test"), "bob@trapplain.test", PLAIN)
    expect_delivered(world.send("bob@trapself.test"), "bob@trapself.test", SELF_SIGNED)


def with_lax_action(text: str) -> str:
    """An administrator's own action, which does not verify."""
    lax = f'action "lax" relay host "smtp+tls://{SELF_SIGNED}" tls no-verify\nmatch from local for domain "lax.test" action "lax"\n'
    return text.replace("match from local for domain <mtasts>", f"{lax}match from local for domain <mtasts>")


def lax_then_strict(world: World, change: Callable[[str], str]) -> Trace:
    """Mail by the lax action, and while its session is kept open, mail for a domain that enforces a policy."""
    world.sender.set_module_configuration(NO_PROBE)  # the probe alone would keep this host from being named
    server = opensmtpd(world)
    server.use("smtpd.conf", change)
    expect_delivered(world.send("bob@lax.test"), "bob@lax.test", SELF_SIGNED)

    def strict() -> None:
        since = server.mark()
        server.submit(["bob@trapbad.test"], message(["bob@trapbad.test"], "hello", {}))
        server.log_socket.wait(lambda: "bob@trapbad.test" in server.outcomes(since) or any("mta error" in line for line in server.log(since)), 20)

    return world.watch(strict)


@scenario("trap 2: an unverified session of another action to the same host is not used, because the action has a ca of its own")
def own_ca(world: World) -> None:
    story = lax_then_strict(world, with_lax_action)
    expect(not story.arrived(), "nothing should arrive", story)
    waiting = list(opensmtpd(world).queue().values())
    expect(waiting == ["bob@trapbad.test"], f"bob@trapbad.test should wait, and these do: {waiting}", story)


@scenario("trap 2, shown: without the ca line OpenSMTPD 7 sends protected mail over it", is_seven)
def no_ca(world: World) -> None:
    story = lax_then_strict(world, lambda text: with_lax_action(text).replace(' tls ca "mtasts"', " tls"))
    expect_delivered(story, "bob@trapbad.test", SELF_SIGNED, verified=False)


@scenario("trap 3: a host that turns bad after it passed gets nothing more, however often smtpd goes back to it")
def turned(world: World) -> None:
    """smtpd goes back after seconds without asking again; or, where it has forgotten by then that the route was good, it puts the
    mail off and closes the route for 15 seconds. It keeps an open session for a second only here."""
    server = opensmtpd(world)
    server.use("smtpd.conf", lambda text: text + "mta limit session-keepalive 1\n")
    expect_delivered(world.send("bob@turning.test"), "bob@turning.test", TURNING, verified=True)
    server.log_socket.wait(lambda: "mta disconnected" in server.log()[-1], 10)
    world.mail_hosts.show(TURNING, Leaf("turned", dns=(TURNING,), issuer=Issuer.SELF))
    world.undo(lambda: world.mail_hosts.show(TURNING, None))

    def refused_twice() -> None:
        since = server.mark()
        server.submit(["eve@turning.test"], message(["eve@turning.test"], "hello", {}))
        server.log_socket.wait(lambda: server.outcomes(since) or sum("mta error" in line for line in server.log(since)) > 1, 20)

    story = world.watch(refused_twice)
    expect(not story.arrived(), "nothing should arrive", story)
    world.start_again()
    since = server.mark()

    def outcome() -> Outcome:
        return server.outcomes(since).get("eve@turning.test", Outcome("waiting"))

    for _ in range(12):
        if server.log_socket.wait(lambda: outcome().state == "delivered", 5):
            break
        server.control("schedule", "all")
    expect(outcome().state == "delivered" and outcome().verified, f"it should be delivered, verified, and is {outcome()}", story)
