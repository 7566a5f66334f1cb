"""How a run goes: exit codes, each host once, nothing that hangs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

from case import expect_findings
from cases_host import ASKED, MANY
from checked_world import CASES, CheckedWorld, check
from framework import expect, scenario
from packages import REPOSITORY
from sandbox import NET6, OWN6
from topology import GOOD
from world import World


@scenario("every code of the guide has a domain here that has it, but for what only time shows")
def every_code(_: World) -> None:
    guide = (REPOSITORY / "docs/check.md").read_text(encoding="utf-8")
    codes = set(re.findall(r"^\| `([a-z-]+)` \| \S", guide.split("\n## Findings\n")[1].split("\n## ")[0], re.MULTILINE))
    shown = {code for one in CASES.values() for code, _ in one.findings}
    expect(codes - shown == {"removed-early"}, f"without a domain: {codes - shown}")


@scenario("the exit code is that of the worst finding")
def exit_codes(_: World) -> None:
    for name, code in {"fine.test": 0, "noreports.test": 1, "notfound.test": 2, "mxdown.test": 3}.items():
        told = check(name, "--json")
        expect(told.returncode == code, f"{name} should end with {code} and ends with {told.returncode}: {told.stderr}")


@scenario("the name of a policy host in the place of its domain: what is meant is said, and not of a mail domain of that name")
def policy_host_named(_: World) -> None:
    for name, meant in {"mta-sts.fine.test": "fine.test", "mta-sts.norecord.test": "norecord.test", "mta-sts.twonames.test": "",
                        "mta-sts.nowhere.fine.test": ""}.items():
        told = check("--json", name)
        report = json.loads(told.stdout)
        expect_findings(report, "record-absent w")
        expect(told.returncode == 1, f"{name} should end with 1 and ends with {told.returncode}")
        [finding] = report["findings"]
        expect(("did you mean" in finding["message"]) == bool(meant), f"{name}: {finding['message']}")
        expect(finding["message"].endswith(f"did you mean {meant}?") or not meant, f"{name}: {finding['message']}")
        expect(finding["fix"].endswith(f"mtasts check {meant}") or not meant, f"{name}: {finding['fix']}")


@scenario("a list comes out in its order, and each mail host is visited once")
def each_host_once(world: World) -> None:
    names = [case.domain.name for case in CASES.values() if case.domain.mx == (GOOD,) and not case.findings][:10]
    mark = world.mail_hosts.mark()
    told = check("--json", "-j", "5", *names)
    expect([json.loads(line)["domain"] for line in told.stdout.splitlines()] == names, "the reports should come in order")
    visits = [event.host for event in world.mail_hosts.events(mark) if event.kind == "connect"]
    expect(visits == [GOOD], f"{GOOD} should be visited once by {len(names)} domains; visits: {visits}")


def memory_of(names: list[str], jobs: int) -> int:
    """KiB at the most, of a run in which nothing is found."""
    with subprocess.Popen(["mtasts", "check", "--json", "-j", str(jobs), *names], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        findings = [json.loads(line)["findings"] for line in process.stdout]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wrong = [found for found in findings if found]
    expect(not wrong and len(findings) == len(names) and process.returncode == 0,
           f"{len(names)} reports without a finding are wanted; {len(findings)} came, {wrong[:1]}, exit {process.returncode}")
    return usage.ru_maxrss


@scenario("a long list needs no more memory than a short one, and its mail host is visited once")
def long_list(world: World) -> None:
    mark = world.mail_hosts.mark()
    short, long = memory_of(MANY[:30], 5), memory_of(MANY, 5)
    expect(long < short * 1.25, f"{len(MANY)} domains took {long} KiB, thirty took {short} KiB")
    visits = [event.host for event in world.mail_hosts.events(mark) if event.kind == "connect"]
    expect(visits == [GOOD, GOOD], f"one visit in each run is wanted: {visits}")


@scenario("no more waits to be told than four domains for each in parallel, however slow the first one is")
def bounded_window(_: World) -> None:
    del ASKED[:]
    with subprocess.Popen(["mtasts", "check", "--json", "-j", "2", "slow.test", *MANY[:60]], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        asked = len(ASKED)
        rest = process.stdout.readlines()
    expect(first["domain"] == "slow.test" and len(rest) == 60, "the reports should come in order")
    expect(0 < asked <= 2 * 8, f"8 domains with two fetches each may be begun before the first is told; {asked} fetches were made")


@scenario("an ordinary user may check, too")
def ordinary_user(_: World) -> None:
    told = subprocess.run(["mtasts", "check", "--json", "fine.test"], user="nobody", group="nogroup", extra_groups=[],
                          capture_output=True, text=True, check=False)
    expect(told.returncode == 0 and not told.stderr, f"exit {told.returncode}: {told.stderr} {told.stdout}")


@scenario("a domain takes as long as its slowest part, not as all of them together")
def slowest_part(world: World) -> None:
    world.sender.set_module_configuration("[fetch]\ntimeout_s = 5\n")
    begin = time.monotonic()
    told = check("--json", "mxsilent.test")
    took = time.monotonic() - begin
    expect(told.returncode == 3 and 4.5 < took < 9, f"five hosts that are given five seconds each took {took:.1f} s: {told.stdout}")


IPV6_OFF = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


def without_ipv6(world: World) -> None:
    """No interface has an IPv6 address, and there is no route, until the scenario ends."""
    if not IPV6_OFF.exists():
        return  # as it is

    def put_back() -> None:
        IPV6_OFF.write_text("0\n", encoding="ascii")
        subprocess.run(["ip", "-6", "addr", "add", f"{OWN6}/128", "dev", "lo", "nodad"], check=True)
        subprocess.run(["ip", "-6", "route", "replace", "local", NET6, "dev", "lo"], check=True)

    IPV6_OFF.write_text("1\n", encoding="ascii")
    world.undo(put_back)


@scenario("a machine without IPv6: what could not be tried is unknown, never ok, and hides nothing else")
def no_ipv6(world: World) -> None:
    without_ipv6(world)
    six = "host-unreachable u"
    for name, findings, code in (("fine.test", [six], 3), ("six.test", [six], 3), ("week.test", [six, "policy-max-age-short w"], 1),
                                 ("halfdead.test", ["host-unreachable c"], 2), ("notfound.test", ["host-status c"], 2),
                                 ("hostwild.test", [], 0), ("mxsix.test", [six, "mx-unreachable u"], 3)):
        told = check("--json", name)
        report = json.loads(told.stdout)
        expect_findings(report, *findings)
        expect(told.returncode == code, f"{name} should end with {code} and ends with {told.returncode}")
        messages = [finding["message"] for finding in report["findings"] if finding["severity"] == "unknown"]
        expect(all("IPv6" in message for message in messages), f"{name}: {messages}")
    told = " ".join(check("fine.test").stdout.split())
    expect("Senders deliver over verified TLS only, to" in told, f"what IPv4 shows is told: {told}")


@scenario("GnuTLS finds what OpenSSL finds")
def gnutls(world: World) -> None:
    assert isinstance(world, CheckedWorld)
    by_openssl = {case.domain.name: world.report(case.domain.name) for case in CASES.values()}  # before the engine is another one
    world.sender.set_module_configuration('[engine]\ntls = "gnutls"\n')
    for name, report in world.look_at_all().items():
        codes, others = (sorted(finding["code"] for finding in one["findings"]) for one in (report, by_openssl[name]))
        expect(codes == others, f"{name}: {codes} with GnuTLS, {others} with OpenSSL")


@scenario("no resolver: what cannot be asked for is unknown, not absent")
def no_resolver(world: World) -> None:
    world.stop_resolver()
    told = check("--json", "fine.test")
    codes = {finding["code"] for finding in json.loads(told.stdout)["findings"]}
    expect(codes == {"record-dns-failure"} and told.returncode == 3, f"found {codes}, exit {told.returncode}")


@scenario("a domain without a record: nobody behind it is visited")
def nobody_visited(world: World) -> None:
    assert isinstance(world, CheckedWorld)
    mark = world.mail_hosts.mark()
    check("--json", "norecord.test")
    expect(not world.mail_hosts.events(mark) and world.policy_requests("norecord.test") == 0, "nobody should be visited")
