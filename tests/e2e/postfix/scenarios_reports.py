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
from web import PolicyHost
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
STS_FAILURES = (301, 302, 303)


def broken(number: int, host: str) -> Domain:
    """A domain whose policy cannot be had; which of the reasons it is goes by the number."""
    name = f"countbroken{number}.test"
    policy_host = (PolicyHost("", status=404), None, PolicyHost("", leaf=Leaf(f"p-{name}", dns=(f"www.{name}",))))[number % 3]
    return declare(Domain(name, (host,), "enforce", records=WANTED, host=policy_host, more="nonsense\r\n" if number % 3 == 1 else ""))


# One for each message: mtastsd does not know which message a question belongs to, and those of a minute count as one.
BROKEN_HOST = own_host("countbroken", 108)
BROKEN = {broken(number, BROKEN_HOST).name: STS_FAILURES[number % 3] for number in range(ROUNDS)}
# Its domain, or that of all domains without another host.
PLACE = {**{f"{name.removesuffix('.test')}.mx.test": name for name in COUNTED}, BROKEN_HOST: "countbroken.test"}
FAILS = {**COUNTED, "countbroken.test": False}


def counts(name: str, used_again: bool = False, **settings: str) -> None:
    @scenario(f"R31, R32: hundreds of connections, several recipients, retries, enforce, testing and without a policy, policies that cannot be had, "
              f"{name}: each connection and each failure is told once", reports)
    def told(world: World) -> None:
        collector = collecting(world)
        world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{QUEUE}/{SOCKET}"\n')  # where policy failures come from
        postfix(world).set_main(smtp_tlsrpt_skip_reused_handshakes="no", **settings)
        if used_again:
            postfix(world).add_service("tlsproxy/unix", "tlsproxy unix - - n - 0 tlsproxy")

        def all_of_it() -> None:
            for failing in BROKEN:
                world.send(*(f"{user}@{domain}" for domain in (*COUNTED, failing) for user in ("alice", "bob")))
            for _ in range(2):
                world.queue_run()

        story = world.watch(all_of_it)
        connections = Counter(PLACE[event.host] for event in story.events if event.kind == "connect")
        mails = Counter(PLACE[event.host] for event in story.arrived())
        expect(mails.total() >= 4 * ROUNDS and set(connections) == set(FAILS), f"hundreds of mails should arrive: {mails}, {connections}", story)
        expect((connections.total() < mails.total()) == used_again, f"connections used again? {connections} for {mails}")
        expect_told(collector, connections)


def expect_told(collector: Collector, connections: Counter[str]) -> None:
    wanted = connections.total() + len(BROKEN)
    expect(collector.wait_for(wanted), f"{connections} connections were seen, and {len(BROKEN)} failures, {len(collector.sessions)} told")
    collector.wait_for(wanted + 1, 0.5)
    of_policies = [session for session in collector.sessions if session.failed and session.failures[0]["c"] in STS_FAILURES]
    failures = Counter((session.domain, session.failures[0]["c"]) for session in of_policies)
    expect(failures == Counter(BROKEN.items()), f"each policy that cannot be had should be told once: {failures}")
    wrong = [session for session in of_policies if session.policy != {"policy-type": STS, "policy-domain": session.domain}]
    expect(not wrong, f"there is no policy to be told: {wrong}")
    others = [session for session in collector.sessions if session not in of_policies]
    sessions = Counter("countbroken.test" if session.domain in BROKEN else session.domain for session in others)
    expect(sessions == connections, f"each connection should be told once: {connections} were, {sessions} told")
    wrong = [session for session in others if session.failed != FAILS.get(session.domain, False)]
    expect(not wrong, f"sessions of {[domain for domain, bad in FAILS.items() if bad]} fail, and no others: {wrong}")


counts("each its own", smtp_connection_cache_on_demand="no", smtp_tls_session_cache_database="")
counts("connections used again", used_again=True, smtp_tls_connection_reuse="yes",
       smtp_connection_cache_destinations=", ".join(COUNTED))
counts("each its own, TLS sessions resumed", smtp_connection_cache_on_demand="no", smtp_tls_connection_reuse="no")
