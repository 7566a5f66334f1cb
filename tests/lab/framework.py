"""Scenarios: functions that get the running world and complain with Failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Iterable

from world import Trace, World

Body = Callable[[World], None]


class Failed(Exception):
    """What was expected and what was seen instead."""


class Skipped(Exception):
    """Why the scenario cannot run here."""


@dataclass(frozen=True)
class Scenario:
    """`applies` says for which worlds (versions of a server) it is meant."""

    name: str
    body: Body
    applies: Callable[[World], bool]


SCENARIOS: list[Scenario] = []


def scenario(name: str, applies: Callable[[World], bool] = lambda world: True) -> Callable[[Body], Body]:
    """Registers a function; scenarios run in the order of registration, each after World.reset()."""

    def register(body: Body) -> Body:
        SCENARIOS.append(Scenario(name, body, applies))
        return body

    return register


def run_one(world: World, one: Scenario) -> tuple[str, str]:
    """Runs it and returns ("ok" | "FAIL" | "SKIP", the line to print)."""
    begin = time.monotonic()
    try:
        world.reset()
        one.body(world)
    except Failed as why:
        return "FAIL", f"FAIL {one.name}: {why}"
    except Skipped as why:
        return "SKIP", f"SKIP {one.name}: {why}"
    except Exception as trouble:  # pylint: disable=broad-except; one broken scenario must not hide the others
        return "FAIL", f"FAIL {one.name}: {type(trouble).__name__}: {trouble}"
    return "ok", f"ok {one.name} ({time.monotonic() - begin:.1f} s)"


def expect(condition: bool, wanted: str, trace: Trace | None = None) -> None:
    if not condition:
        raise Failed(wanted + (f"; {trace.told()}" if trace else ""))


def expect_delivered(trace: Trace, recipient: str, host: str, *, verified: bool | None = None) -> None:
    """The receiver `host` got the mail of `recipient`, and the sender knows it. `verified`: what the sender's log says of the
    certificate, where that matters."""
    outcome = trace.outcome(recipient)
    expect(outcome.state == "delivered", f"{recipient} should be delivered and is {outcome.state}", trace)
    got = [event.host for event in trace.arrived() if recipient in event.recipients.lower()]
    expect(got == [host], f"{recipient}'s mail should have arrived once, at {host}, and arrived at {got}", trace)
    if verified is not None:
        expect(outcome.verified is verified, f"{recipient}'s host should be {'' if verified else 'un'}verified", trace)


def expect_protected(world: World, trace: Trace, recipient: str, host: str) -> None:
    """Delivered to `host`, verified; a server that leaves hosts out by name has not even connected to another one."""
    expect_delivered(trace, recipient, host, verified=True)
    if world.sender.leaves_hosts_out:
        expect_contacts(trace, [host])


def expect_waiting(trace: Trace, recipient: str) -> None:
    """Deferred: not delivered anywhere, not bounced."""
    outcome = trace.outcome(recipient)
    expect(outcome.state == "deferred", f"{recipient} should be deferred and is {outcome.state}", trace)
    got = [event.host for event in trace.arrived() if recipient in event.recipients.lower()]
    expect(not got, f"{recipient}'s mail should have arrived nowhere and arrived at {got}", trace)


def expect_contacts(trace: Trace, hosts: Iterable[str]) -> None:
    wanted = list(hosts)
    expect(trace.contacted() == wanted, f"connections should go to {wanted} and went to {trace.contacted()}", trace)


def expect_logged(trace: Trace, *words: str) -> None:
    """One line of syslog has all the words."""
    expect(any(all(word in line for word in words) for line in trace.syslog), f"syslog should tell {' '.join(words)}", trace)
