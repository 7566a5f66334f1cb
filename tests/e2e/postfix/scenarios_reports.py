"""What Postfix itself tells tlsrpt-collectd, by the attributes that mtastsd gives it along with the policy (R32)."""

from __future__ import annotations

import time
from collections import Counter

from collector import Collector, Session
from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import HOME_DOMAIN
from mx import MailHost
from pki import Issuer, Leaf
from postfix import QUEUE, postfix
from topology import BAD_HOSTS, GOOD, SELF_SIGNED, declare, declare_host
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


REPORTER = f"tlsrpt@{HOME_DOMAIN}"


@scenario("RFC 8460 §3: by the transport of docs/tlsrpt.md a report goes out where the receiver's policy cannot be met; other mail waits")
def reporters_transport(world: World) -> None:
    server = postfix(world)
    server.add_service("reports/unix", "reports unix - - y - - smtp -o smtp_tls_policy_maps= -o smtp_tls_security_level=may")
    server.set_main(sender_dependent_default_transport_maps=f"inline:{{ {{ {REPORTER} = reports: }} }}")
    story = world.watch(lambda: server.send([f"rua@{FAILING.name}"], "report", {}, "root", REPORTER))
    expect_delivered(story, f"rua@{FAILING.name}", SELF_SIGNED, verified=False)
    expect_waiting(world.send(f"bob@{FAILING.name}"), f"bob@{FAILING.name}")


@scenario("R30: Postfix 3.10 honours TLS-Required: No; other mail waits", reports)
def tls_required_no(world: World) -> None:
    expect_delivered(world.send(f"rua@{FAILING.name}", headers={"TLS-Required": "No"}), f"rua@{FAILING.name}", SELF_SIGNED, verified=False)
    expect_waiting(world.send(f"bob@{FAILING.name}"), f"bob@{FAILING.name}")


@scenario("what Postfix counts as no-policy-found: sessions for domains without a policy, and for those in testing", reports)
def no_policy_found(world: World) -> None:
    for domain in (WITHOUT, TESTING):
        collector = collecting(world)
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", domain.mx[0])
        session = the_one(collector)
        expect(session.policy["policy-type"] == NO_POLICY_FOUND and not session.failed, f"a session without a policy: {session}")
        world.start_again()


def own_host(name: str, number: int, issuer: Issuer = Issuer.LAB_ROOT) -> str:
    """An MX host of one domain alone, so that a connection to it is one for this domain."""
    host = f"{name}.mx.test"
    return declare_host(MailHost(host, f"198.51.100.{number}", Leaf(host, dns=(host,), issuer=issuer), resumes=True)).name


COUNTED = {declare(Domain(f"{name}.test", (own_host(name, number, issuer),), *mode, records=WANTED)).name: bad for name, number, issuer, mode, bad in (
    ("countgood", 101, Issuer.LAB_ROOT, ("enforce",), False), ("countbad", 105, Issuer.SELF, ("enforce",), True),
    ("counttesting", 106, Issuer.SELF, ("testing",), False), ("countwithout", 107, Issuer.SELF, (), False))}
ROUNDS = 40


def counts(name: str, used_again: bool = False, **settings: str) -> None:
    @scenario(f"R32: hundreds of connections, several recipients, retries, enforce, testing and without a policy, {name}: each is told once", reports)
    def told(world: World) -> None:
        collector = collecting(world)
        postfix(world).set_main(smtp_tlsrpt_skip_reused_handshakes="no", **settings)
        if used_again:
            postfix(world).add_service("tlsproxy/unix", "tlsproxy unix - - n - 0 tlsproxy")

        def all_of_it() -> None:
            for _ in range(ROUNDS):
                world.send(*(f"{user}@{domain}" for domain in COUNTED for user in ("alice", "bob")))
            for _ in range(2):
                world.queue_run()

        story = world.watch(all_of_it)
        connections = Counter(event.host.replace(".mx.", ".") for event in story.events if event.kind == "connect")
        mails = Counter(event.host.replace(".mx.", ".") for event in story.arrived())
        expect(mails.total() >= 3 * ROUNDS and set(connections) == set(COUNTED), f"hundreds of mails should arrive: {mails}, {connections}", story)
        expect((connections.total() < mails.total()) == used_again, f"connections used again? {connections} for {mails}")
        expect(collector.wait_for(connections.total()), f"{connections} connections were seen, {len(collector.sessions)} told")
        collector.wait_for(connections.total() + 1, 0.5)
        sessions = Counter(session.domain for session in collector.sessions)
        expect(sessions == connections, f"each connection should be told once: {connections} were, {sessions} told")
        wrong = [session for session in collector.sessions if session.failed != COUNTED[session.domain]]
        expect(not wrong, f"sessions of {[domain for domain, bad in COUNTED.items() if bad]} fail, and no others: {wrong}")


counts("each its own", smtp_connection_cache_on_demand="no", smtp_tls_session_cache_database="")
counts("connections used again", used_again=True, smtp_tls_connection_reuse="yes",
       smtp_connection_cache_destinations=", ".join(COUNTED))
counts("each its own, TLS sessions resumed", smtp_connection_cache_on_demand="no", smtp_tls_connection_reuse="no")
