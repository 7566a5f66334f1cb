"""The common part of tests/e2e/<server>/demo.py: real mails through a real server in a sandbox, mail by mail.

    demo.py --build build/release
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import sandbox
from packages import LabError
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED
from world import Domain, Trace, World


@dataclass(frozen=True)
class Step:
    """One mail. `before` changes the world first. `host` is where it must arrive; "": it must wait. It must never come to an impostor."""

    title: str
    domain: str
    host: str
    before: Callable[[World], None] | None = None


@dataclass(frozen=True)
class Demo:
    """`parts` are the packages that it needs beside the command. `world` makes the world, called in the sandbox, after `unpack` outside; `why` is what is printed of a mail that waits,
    `says` what else is in the logs; `queue` shows all that wait."""

    server: str
    parts: str
    world: Callable[[], World]
    queue: Callable[[World], str]
    why: Callable[[str], str] = lambda text: text
    says: Callable[[Trace], list[str]] = lambda trace: [line.split("]: ", 1)[-1].split(": ", 1)[-1] for line in trace.syslog]
    unpack: Callable[[], object] = lambda: None


DOMAINS = [
    Domain("bank.test", (GOOD,), "enforce"),
    Domain("museum.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)),
    Domain("shop.test", (SELF_SIGNED,), "enforce"),
    Domain("club.test", (SELF_SIGNED,), "testing"),
    Domain("aunt.test", (PLAIN,)),
]

STEPS = [
    Step("bank.test has a policy and keeps it.", "bank.test", GOOD),
    Step("museum.test: somebody has forged its MX records and put a host of his own first.", "museum.test", GOOD),
    Step("museum.test again, and now the forger keeps its policy host out of reach, too.", "museum.test", GOOD,
            lambda world: world.stop_policy_hosts()),
    Step("shop.test: the certificate is not what the policy demands. Somebody in between?", "shop.test", "",
            lambda world: world.start_again()),
    Step("club.test has the same bad certificate, but only tests its policy.", "club.test", SELF_SIGNED),
    Step("aunt.test has never heard of MTA-STS, nor of TLS.", "aunt.test", PLAIN),
]

ENDING = """
What to do next, as root:
  ./dev package                                installable packages from this folder
  apt install ./build/package/{{mtasts,mtasts-engine-openssl,{parts}}}_*.deb
  mtasts query gmail.com                       what your mail server would be told about a domain
  mtasts setup {server:<32}what your {name} lacks; changes nothing without --apply (docs/{server}.md)
  ./dev test                                   every test, mails like these and many more among them

The servers of this demo ran in a sandbox that is gone now. What is left on this machine: the packages that ./dev installed
for building, and in this folder build/ and .lab/ (the servers, unpacked), which you may delete."""

__all__ = ["DOMAINS", "Demo", "main"]


def main(script: Path, demo: Demo) -> int:
    """The program; `script` is the demo.py, which must come here again when it is started in the sandbox."""
    parser = argparse.ArgumentParser(description=f"real mails through a real {demo.server}, mail by mail")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    build = options.build.resolve()
    if options.inside:
        return _inside(demo, build)
    try:
        demo.unpack()
        code = sandbox.run(["/usr/bin/python3", str(script), "--inside", "--build", str(build)], writable=build)
    except LabError as reason:
        print(f"./dev demo: {reason}", file=sys.stderr)
        return 1
    if code == 0:
        print(ENDING.format(name=demo.server, server=demo.server.lower(), parts=demo.parts))
    return code


def _inside(demo: Demo, build: Path) -> int:
    print(f"Starting name servers, policy hosts, mail hosts and {demo.server} ...", flush=True)
    world = demo.world()
    world.start()
    try:
        world.sender.install_module(build)
        world.sender.add_examples()
        wrong = [number for number, step in enumerate(STEPS, 1) if not _show(demo, world, number, step)]
        print(_bold(f"\nWhat waits is tried again by {demo.server} and never bounced for this reason:"))
        print(textwrap.indent(demo.queue(world).strip("\n"), "   "))
    finally:
        world.stop()
    if wrong:
        print(f"\nThis is not how it should be: mail {', '.join(map(str, wrong))} of {len(STEPS)}. mtasts did not do its work here; please report it.")
    return 1 if wrong else 0


def _show(demo: Demo, world: World, number: int, step: Step) -> bool:
    """Whether it went as it should."""
    print(_bold(f"\n{number}. {step.title}"), flush=True)
    if step.before:
        step.before(world)
    recipient = f"you@{step.domain}"
    trace = world.send(recipient)
    _line("policy", _policy_of(step.domain))
    _line("offered", ", ".join(world.domains[step.domain].mx))
    _line("contacted", contacted(trace))
    _line(*_ending(demo, trace, recipient))
    for line in demo.says(trace):
        _line("log", line)
    return as_it_should(step, trace, trace.outcome(recipient).state)


def as_it_should(step: Step, trace: Trace, state: str) -> bool:
    hosts = {event.host for event in trace.arrived()}
    return (state == "delivered") == bool(step.host) and hosts <= {step.host} and IMPOSTOR not in contacted(trace)


def _policy_of(domain: str) -> str:
    """The policy in the words of the command line tool, which asks as the mail server would."""
    result = subprocess.run(["mtasts", "query", domain, "--json"], capture_output=True, text=True, check=False)
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError:
        return f"unknown ({result.stderr.strip()})"
    if not answer.get("id"):
        return "none"
    return f"{answer['mode']}, mail only to {', '.join(answer['mx'])} (from {answer['source']})"


def contacted(trace: Trace) -> str:
    """A mail may go over the connection of the one before it."""
    reused = dict.fromkeys(event.host for event in trace.arrived() if event.host not in trace.contacted())
    return ", ".join([*trace.contacted(), *(f"{host} (over the connection of the mail before)" for host in reused)]) or "nobody"


def _ending(demo: Demo, trace: Trace, recipient: str) -> tuple[str, str]:
    outcome = trace.outcome(recipient)
    if outcome.state != "delivered":
        return "waits", demo.why(outcome.text)
    tls = next((event.tls for event in trace.arrived()), "")
    checked = "certificate verified" if outcome.verified else "certificate not verified"
    return "arrived", f"at {outcome.host}, " + (f"{tls}, {checked}" if tls else "in the clear")


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def _line(label: str, text: str) -> None:
    print(textwrap.fill(text, 100, initial_indent=f"   {label:<10} ", subsequent_indent=" " * 14))
