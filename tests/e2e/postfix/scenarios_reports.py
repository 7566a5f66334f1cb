"""What Postfix itself tells tlsrpt-collectd, by the attributes that mtastsd gives it along with the policy (R32)."""

from __future__ import annotations

import time

from collector import Collector, Session
from framework import expect, expect_delivered, expect_waiting, scenario
from postfix import QUEUE, postfix
from topology import BAD_HOSTS, GOOD, SELF_SIGNED, declare
from world import Domain, World

SOCKET = "tlsrpt/collectd.sock"  # below the queue directory
RECORD = "v=TLSRPTv1; rua=mailto:reports@reports.test"
WANTED = f'_smtp._tls TXT "{RECORD}"'
STS, NO_POLICY_FOUND = 2, 9
LINES = ("x-list: a, b=c", "x-quotes: \"one' \\\\ \\n $x", "x-utf8: caf\u00e9 \u2713", "x-like: , policy_failure=sts-policy-invalid",
         "x-markup: <a href=\"x\">; & = =")
BRACES = ("x-open: {", "x-close: }", "x-more: x } policy_failure=sts-policy-invalid { policy_string = y", "x-pair: {y}")

AS_SERVED = declare(Domain("postfixlines.test", (GOOD,), "enforce", records=WANTED,
                           more="".join(f"{line}\r\n" for line in (*LINES, *BRACES, LINES[0]))))
FAILING = declare(Domain("postfixreport.test", (SELF_SIGNED,), "enforce", records=WANTED))
TESTING = declare(Domain("postfixtesting.test", (BAD_HOSTS["expired"][0].name,), "testing", records=WANTED))
WITHOUT = declare(Domain("postfixwithout.test", (GOOD,), records=WANTED))


def reports(world: World) -> bool:
    return postfix(world).version >= (3, 10)


def collecting(world: World) -> Collector:
    server = postfix(world)
    collector = Collector(f"{QUEUE}/{SOCKET}")
    world.undo(collector.stop)
    server.set_main(smtp_tlsrpt_enable="yes", smtp_tlsrpt_socket_name=SOCKET)
    return collector


def the_one(collector: Collector) -> Session:
    expect(collector.wait_for(1), "a session should be reported")
    time.sleep(0.3)
    expect(len(collector.sessions) == 1, f"and no second one: {collector.sessions}")
    return collector.sessions[0]


@scenario("R32: a policy's lines are reported as served, commas, quotes, backslashes, UTF-8; those with braces are left out, and harm nothing", reports)
def as_served(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{AS_SERVED.name}"), f"bob@{AS_SERVED.name}", GOOD, verified=True)
    session = the_one(collector)
    lines = [line for line in AS_SERVED.policy().splitlines() if line not in BRACES]
    policy = {"policy-type": STS, "policy-domain": AS_SERVED.name, "policy-string": lines, "mx-host": [GOOD]}
    expect(session.policy == policy and not session.failed and session.record == RECORD, f"{policy} should be told: {session}")


@scenario("R32: a failed session under an enforced policy is reported with type sts", reports)
def failing(world: World) -> None:
    collector = collecting(world)
    expect_waiting(world.send(f"bob@{FAILING.name}"), f"bob@{FAILING.name}")
    session = the_one(collector)
    expect(session.failed and session.policy["policy-type"] == STS and session.failures[0]["c"] in (203, 205), f"not trusted: {session}")
    expect(session.failures[0]["n"] == SELF_SIGNED, f"the host should be named: {session}")


@scenario("what Postfix counts as no-policy-found: sessions for domains without a policy, and for those in testing", reports)
def no_policy_found(world: World) -> None:
    for domain in (WITHOUT, TESTING):
        collector = collecting(world)
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", domain.mx[0])
        session = the_one(collector)
        expect(session.policy["policy-type"] == NO_POLICY_FOUND and not session.failed, f"a session without a policy: {session}")
        world.start_again()
