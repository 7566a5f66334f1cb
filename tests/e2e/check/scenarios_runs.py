"""How a run goes: exit codes, each host once, nothing that hangs."""

from __future__ import annotations

import json
import time

from checked_world import CASES, CheckedWorld, check
from framework import expect, scenario
from topology import GOOD
from world import World


@scenario("the exit code is that of the worst finding")
def exit_codes(_: World) -> None:
    for name, code in {"fine.test": 0, "noreports.test": 1, "notfound.test": 2, "mxdown.test": 3}.items():
        told = check(name, "--json")
        expect(told.returncode == code, f"{name} should end with {code} and ends with {told.returncode}: {told.stderr}")


@scenario("a list comes out in its order, and each mail host is visited once")
def each_host_once(world: World) -> None:
    names = [case.domain.name for case in CASES.values() if case.domain.mx == (GOOD,) and not case.findings][:10]
    mark = world.mail_hosts.mark()
    told = check("--json", "-j", "5", *names)
    expect([json.loads(line)["domain"] for line in told.stdout.splitlines()] == names, "the reports should come in order")
    visits = [event.host for event in world.mail_hosts.events(mark) if event.kind == "connect"]
    expect(visits == [GOOD], f"{GOOD} should be visited once by {len(names)} domains; visits: {visits}")


@scenario("a domain takes as long as its slowest part, not as all of them together")
def slowest_part(world: World) -> None:
    world.sender.set_module_configuration("[fetch]\ntimeout_s = 5\n")
    begin = time.monotonic()
    told = check("--json", "mxsilent.test")
    took = time.monotonic() - begin
    expect(told.returncode == 3 and 4.5 < took < 9, f"five hosts that are given five seconds each took {took:.1f} s: {told.stdout}")


@scenario("GnuTLS finds what OpenSSL finds")
def gnutls(world: World) -> None:
    assert isinstance(world, CheckedWorld)
    world.sender.set_module_configuration('[engine]\ntls = "gnutls"\n')
    for name, report in world.look_at_all().items():
        codes, others = (sorted(finding["code"] for finding in one["findings"]) for one in (report, world.report(name)))
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
