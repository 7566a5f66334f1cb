"""What Postfix itself tells tlsrpt-collectd, by the attributes that mtastsd gives it along with the policy (R32)."""

from __future__ import annotations

from collections import Counter

from collector import Collector, Session
from dane_hosts import DANE_BAD, DANE_GOOD
from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import HOME_DOMAIN
from mx import MailHost
from pki import Issuer, Leaf
from postfix import QUEUE, postfix
from reports import (CODES, KINDS, RECEIVER, UNAVAILABLE, WANTED, Fields, at, expect_failure, expect_success, no_policy_found, not_had, settled, sts, tlsa,
                     unavailable)
from topology import GOOD, SELF_SIGNED, declare, declare_host, word
from world import Domain, World

SOCKET = "tlsrpt/collectd.sock"  # below the queue directory
LINES = ("x-list: a, b=c", "x-quotes: \"one' \\\\ \\n $x", "x-utf8: caf\u00e9 \u2713", "x-like: , policy_failure=sts-policy-invalid",
         "x-markup: <a href=\"x\">; & = =")
BRACES = ("x-open: {", "x-close: }", "x-more: x } policy_failure=sts-policy-invalid { policy_string = y", "x-pair: {y}")

AS_SERVED = declare(Domain("postfixlines.test", (GOOD,), "enforce", records=WANTED,
                           more="".join(f"{line}\r\n" for line in (*LINES, *BRACES, LINES[0]))))
FAILING = declare(Domain("postfixreport.test", (SELF_SIGNED,), "enforce", records=WANTED))
TELLING = {mode: {title: declare(Domain(f"postfix{mode}{word(title)}.test", (host.name,), mode, records=WANTED))
                  for title, (host, _) in KINDS.items()} for mode in ("enforce", "testing")}
WITHOUT = declare(Domain("postfixwithout.test", (GOOD,), records=WANTED))
STRICT = {title: declare(Domain(f"postfixstrict{word(title)}.test", (KINDS[title][0].name,), records=WANTED)) for title in ("no STARTTLS", "TLS 1.1")}

# The result type that Postfix has for each of KINDS; "": the session is good; None: it is not told.
RESULTS = {"wrong name": "certificate-host-mismatch", "expired": "certificate-expired", "not yet valid": "validation-failure",
           "unknown root": "validation-failure", "self-signed": "validation-failure", "common name only": "", "common name and an address": "",
           "wildcard too deep": "certificate-host-mismatch", "TLS 1.1": "validation-failure", "no STARTTLS": "starttls-not-supported",
           "STARTTLS refused": "starttls-not-supported", "cut at STARTTLS": None}
NOT_TOLD = ("no STARTTLS", "cut at STARTTLS")  # where TLS is no must
DANE_RESULTS = {"another key": "certificate-not-trusted", "expired": "certificate-expired", "wrong name": "certificate-host-mismatch",
                "no STARTTLS": "starttls-not-supported", "STARTTLS refused": "starttls-not-supported"}


def reports(world: World) -> bool:
    return postfix(world).version >= (3, 10)


def collecting(world: World) -> Collector:
    server = postfix(world)
    collector = Collector(f"{QUEUE}/{SOCKET}")
    world.undo(collector.stop)
    server.set_main(smtp_tlsrpt_enable="yes", smtp_tlsrpt_socket_name=SOCKET)
    return collector


def expect_refused(world: World, collector: Collector, domain: Domain, host: MailHost, policy: Fields, result: str) -> None:
    before = len(collector.sessions)
    story = world.send(f"bob@{domain.name}")
    expect(story.outcome(f"bob@{domain.name}").state != "delivered" and story.contacted() == [host.name], "it should be refused", story)
    expect_postfix_failure(settled(collector, before + 1)[-1], domain, host, policy, result)


def expect_postfix_failure(session: Session, domain: Domain, host: MailHost, policy: Fields, *results: str) -> None:
    """Postfix tells all that the host answers to EHLO for its name, and a reason with "validation-failure" alone."""
    expect(session.failed, f"it should have failed: {session}")
    answer = str(session.failures[0].get("h", ""))
    expect(answer.startswith(f"250-{RECEIVER} Hello "), f"the answer of {RECEIVER} should be told: {session}")
    has_reason = session.failures[0]["c"] == CODES["validation-failure"]
    expect_failure(session, domain, policy, results, {**at(host), "h": answer}, has_reason)


@scenario("R32: a policy's lines are reported as served, commas, quotes, backslashes, UTF-8; those with braces are left out, and harm nothing", reports)
def as_served(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{AS_SERVED.name}"), f"bob@{AS_SERVED.name}", GOOD, verified=True)
    lines = [line for line in AS_SERVED.policy().splitlines() if line not in BRACES]
    expect_success(settled(collector, 1)[0], AS_SERVED, sts(AS_SERVED) | {"policy-string": lines})


def under_policy(title: str) -> None:
    @scenario(f"R32: enforce, {title}: what Postfix tells of it, field by field, under the policy as type sts", reports)
    def told(world: World) -> None:
        domain, (host, _), result = TELLING["enforce"][title], KINDS[title], RESULTS[title]
        collector = collecting(world)
        if result:
            expect_refused(world, collector, domain, host, sts(domain), result)
        elif result is None:
            expect_waiting(world.send(f"bob@{domain.name}"), f"bob@{domain.name}")
            settled(collector, 0)
        else:
            expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", host.name)
            expect_success(settled(collector, 1)[0], domain, sts(domain))


for one_kind in KINDS:
    under_policy(one_kind)


@scenario("R29, R32: what Postfix tells of hosts that DANE judges, field by field, with the MX host as policy domain and its TLSA records", reports)
def dane(world: World) -> None:
    collector = collecting(world)
    for number, (domain, host) in enumerate(DANE_GOOD.values(), 1):
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", host.name, verified=True)
        expect_success(settled(collector, number)[-1], domain, tlsa(host.name, tlsa_record(world, domain)))
    for title, (domain, host) in DANE_BAD.items():
        expect_refused(world, collector, domain, host, tlsa(host.name, tlsa_record(world, domain)), DANE_RESULTS[title])


def tlsa_record(world: World, domain: Domain) -> str:
    [line] = [line for line in world.domains[domain.name].records.splitlines() if " TLSA " in line]
    return line.split(" TLSA ")[1].upper()


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


@scenario("what Postfix counts as no-policy-found: sessions with TLS for domains without a policy, and for those in testing", reports)
def without_policy(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{WITHOUT.name}"), f"bob@{WITHOUT.name}", GOOD)
    told = 1
    expect_success(settled(collector, told)[0], WITHOUT, no_policy_found(WITHOUT))
    for title, domain in TELLING["testing"].items():
        world.send(f"bob@{domain.name}")
        told += title not in NOT_TOLD and (title != "STARTTLS refused" or postfix(world).version >= (3, 11))
        session = settled(collector, told)[-1]
        if session.domain != domain.name:
            continue  # it went on in the clear, or not at all
        if title == "STARTTLS refused":
            expect_postfix_failure(session, domain, KINDS[title][0], no_policy_found(domain), "starttls-not-supported")
        else:
            expect_success(session, domain, no_policy_found(domain))


@scenario("R32: without a policy, where the administrator insists on TLS: what Postfix tells of a host that has none, as no-policy-found", reports)
def without_policy_strict(world: World) -> None:
    collector = collecting(world)
    postfix(world).set_main(smtp_tls_security_level="encrypt")
    for title, domain in STRICT.items():
        expect_refused(world, collector, domain, KINDS[title][0], no_policy_found(domain), str(RESULTS[title]))


def own_host(name: str, number: int, issuer: Issuer = Issuer.LAB_ROOT) -> str:
    """An MX host of one domain alone, so that a connection to it is one for this domain."""
    host = f"{name}.mx.test"
    return declare_host(MailHost(host, f"198.51.100.{number}", Leaf(host, dns=(host,), issuer=issuer), resumes=True)).name


COUNTED = {declare(Domain(f"{name}.test", (own_host(name, number, issuer),), *mode, records=WANTED)).name: bad for name, number, issuer, mode, bad in (
    ("countgood", 101, Issuer.LAB_ROOT, ("enforce",), False), ("countbad", 105, Issuer.SELF, ("enforce",), True),
    ("counttesting", 106, Issuer.SELF, ("testing",), False), ("countwithout", 107, Issuer.SELF, (), False))}
ROUNDS = 40


# One for each message: mtastsd does not know which message a question belongs to, and those of a minute count as one.
BROKEN_HOST = own_host("countbroken", 108)
BROKEN = {unavailable(f"countbroken{number}.test", code, BROKEN_HOST).name: code for number in range(ROUNDS)
          for code in [(*UNAVAILABLE,)[number % len(UNAVAILABLE)]]}
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
        expect_told(world, collector, connections, *(["certificate-not-trusted"] if used_again else []))


def expect_told(world: World, collector: Collector, connections: Counter[str], *of_tlsproxy: str) -> None:
    """`of_tlsproxy`: the result type that Postfix has for an untrusted certificate where tlsproxy(8) has seen it."""
    wanted = connections.total() + len(BROKEN)
    expect(collector.wait_for(wanted), f"{connections} connections were seen, and {len(BROKEN)} failures, {len(collector.sessions)} told")
    collector.wait_for(wanted + 1, 0.5)
    of_policies = [session for session in collector.sessions if session.failed and session.failures[0]["c"] in UNAVAILABLE]
    failures = Counter((session.domain, session.failures[0]["c"]) for session in of_policies)
    expect(failures == Counter(BROKEN.items()), f"each policy that cannot be had should be told once: {failures}")
    for session in of_policies:
        expect_failure(session, world.domains[session.domain], not_had(world.domains[session.domain]), [UNAVAILABLE[BROKEN[session.domain]]], {})
    others = [session for session in collector.sessions if session not in of_policies]
    sessions = Counter("countbroken.test" if session.domain in BROKEN else session.domain for session in others)
    expect(sessions == connections, f"each connection should be told once: {connections} were, {sessions} told")
    for session in others:
        domain = world.domains[session.domain]
        policy = sts(domain) if domain.mode == "enforce" and domain.name not in BROKEN else no_policy_found(domain)
        if FAILS.get(domain.name, False):
            [host] = [host for host in world.mail_hosts.hosts if host.name == domain.mx[0]]
            expect_postfix_failure(session, domain, host, policy, "validation-failure", *of_tlsproxy)
        else:
            expect_success(session, domain, policy)


counts("each its own", smtp_connection_cache_on_demand="no", smtp_tls_session_cache_database="")
counts("connections used again", used_again=True, smtp_tls_connection_reuse="yes",
       smtp_connection_cache_destinations=", ".join(COUNTED))
counts("each its own, TLS sessions resumed", smtp_connection_cache_on_demand="no", smtp_tls_connection_reuse="no")
