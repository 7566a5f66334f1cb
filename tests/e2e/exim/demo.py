#!/usr/bin/python3
"""./dev demo: real mails through a real Exim in a sandbox, told as a short story.

    sudo tests/e2e/exim/demo.py --build build/release

Without namespaces it says so and runs the tests that need none.
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

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import sandbox  # noqa: E402
from packages import LabError  # noqa: E402
from topology import GOOD, HOSTS, IMPOSTOR, PLAIN, SELF_SIGNED  # noqa: E402
from world import Domain, Story, World  # noqa: E402


@dataclass(frozen=True)
class Chapter:
    """One mail. `before` changes the world first."""

    title: str
    domain: str
    before: Callable[[World], None] | None = None


DOMAINS = [
    Domain("bank.test", (GOOD,), "enforce"),
    Domain("museum.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)),
    Domain("shop.test", (SELF_SIGNED,), "enforce"),
    Domain("club.test", (SELF_SIGNED,), "testing"),
    Domain("aunt.test", (PLAIN,)),
]

CHAPTERS = [
    Chapter("bank.test has a policy and keeps it.", "bank.test"),
    Chapter("museum.test: somebody has forged its MX records and put a host of his own first.", "museum.test"),
    Chapter("museum.test again, and now the forger keeps its policy host out of reach, too.", "museum.test",
            lambda world: world.stop_policy_hosts()),
    Chapter("shop.test: the certificate is not what the policy demands. Somebody in between?", "shop.test",
            lambda world: world.start_again()),
    Chapter("club.test has the same bad certificate, but only tests its policy.", "club.test"),
    Chapter("aunt.test has never heard of MTA-STS, nor of TLS.", "aunt.test"),
]

NEXT_STEPS = """\
What to do next:
  ./dev test                            every test, mails like these and many more among them
  sudo cmake --install build/release    install the module on this machine
  less conf-examples/exim/conf.d/*/*    what Debian's Exim needs, with explanations
  mtasts query DOMAIN                   what your mail server would be told about a domain
Nothing of this demo is left on this machine: all of it ran in a sandbox that is gone now."""


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def tell(label: str, text: str) -> None:
    print(textwrap.fill(text, 100, initial_indent=f"   {label:<10} ", subsequent_indent=" " * 14))


def policy_of(domain: str) -> str:
    """The policy in the words of the command line tool, which asks as Exim would."""
    result = subprocess.run(["mtasts", "query", domain, "--json"], capture_output=True, text=True, check=False)
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError:
        return f"unknown ({result.stderr.strip()})"
    if not answer.get("id"):
        return "none"
    return f"{answer['mode']}, mail only to {', '.join(answer['mx'])} (from {answer['source']})"


def read_aloud(world: World, number: int, chapter: Chapter) -> None:
    print(bold(f"\n{number}. {chapter.title}"), flush=True)
    if chapter.before:
        chapter.before(world)
    recipient = f"you@{chapter.domain}"
    story = world.send(recipient)
    tell("policy", policy_of(chapter.domain))
    tell("offered", ", ".join(world.domains[chapter.domain].mx))
    tell("contacted", ", ".join(story.contacted()) or "nobody")
    tell(*ending(story, recipient))
    for line in story.syslog:
        tell("log", line.split("]: ", 1)[-1].split(": ", 1)[-1])


def ending(story: Story, recipient: str) -> tuple[str, str]:
    outcome = story.outcome(recipient)
    if outcome.state != "delivered":
        return "waits", outcome.text.split("defer ", 1)[-1]
    tls = next((event.tls for event in story.arrived()), "")
    checked = "certificate verified" if outcome.verified else "certificate not verified"
    return "arrived", f"at {outcome.host}, " + (f"{tls}, {checked}" if tls else "in the clear")


def inside(build: Path) -> int:
    print("Starting name servers, policy hosts, mail hosts and Exim ...", flush=True)
    world = World(DOMAINS, HOSTS)
    world.start()
    try:
        world.sender.install_module(build)
        world.sender.add_examples()
        for number, chapter in enumerate(CHAPTERS, 1):
            read_aloud(world, number, chapter)
        print(bold("\nWhat waits is tried again by Exim and never bounced for this reason:"))
        print(textwrap.indent(world.sender.exim("-bp").strip("\n"), "   "))
    finally:
        world.stop()
    return 0


def without_sandbox(build: Path, reason: str) -> int:
    print(f"The demo with a real Exim is skipped: {reason}.")
    print("What works without: the tests of every room against real servers on loopback.\n", flush=True)
    return subprocess.run(["ctest", "--test-dir", str(build), "--output-on-failure"], check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="real mails through a real Exim, told as a story")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    build = options.build.resolve()
    if options.inside:
        return inside(build)
    try:
        code = sandbox.run(["/usr/bin/python3", str(HERE / "demo.py"), "--inside", "--build", str(build)], writable=build)
    except LabError as reason:
        return without_sandbox(build, str(reason))
    if code == 0:
        print(f"\n{NEXT_STEPS}")
    return code


if __name__ == "__main__":
    sys.exit(main())
