#!/usr/bin/python3
"""End-to-end tests of the Exim adapter: real Exim, real names, real policy hosts, real receivers, in a sandbox.

    sudo tests/e2e/exim/run.py --build build/release [--results FILE] [--only TEXT] [--version TEXT] [--suite bookworm]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE)]

import openssl_exim  # noqa: E402
import packages  # noqa: E402
import roots  # noqa: E402
import runner  # noqa: E402
from exim_socket import SocketSender  # noqa: E402
from openssl_sender import OpenSslSender, OpenSslSocketSender  # noqa: E402
from sender import Sender  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_observe  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_change  # noqa: E402,F401
import scenarios_configuration  # noqa: E402,F401
import scenarios_counts  # noqa: E402,F401
import scenarios_dane  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_examples  # noqa: E402,F401
import scenarios_reports  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_socket  # noqa: E402,F401
import scenarios_sweep  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401

# What depends on Exim's own version and build: tainted data, expansions, events, DANE.
OF_THE_BUILD = ("every_enforce", "scenarios_dane", "scenarios_enforce", "scenarios_examples", "scenarios_reports", "scenarios_socket", "scenarios_testing")


# Beside the version of a title, of those that are run only when they are asked for.
ALL = "all scenarios"
HEAVY = "exim4-daemon-heavy"


def by_socket(root: roots.Root, *modules: str, asked: str = "") -> runner.Version:
    def world() -> World:
        [tree] = roots.unpacked(root)
        return World(DOMAINS, HOSTS, SocketSender(tree))

    title = f"Exim by socket, {root.name.removeprefix('exim-')}{asked and ', '}{asked}"
    return runner.Version(title, world, lambda: roots.unpacked(root), modules, only_asked=bool(asked),
                          suite="" if modules or root.server == HEAVY else root.suite, server=lambda: roots.server(root))


def by_dlfunc() -> runner.Version:
    return runner.Version("Exim by dlfunc", lambda: World(DOMAINS, HOSTS), suite=roots.own_suite(), server=lambda: f"{HEAVY} {packages.version(HEAVY)}")


def with_openssl(way: str, sender: Callable[[Path], Sender]) -> runner.Version:
    return runner.Version(f"Exim by {way}, 4.96 with OpenSSL, {ALL}", lambda: World(DOMAINS, HOSTS, sender(openssl_exim.built())), openssl_exim.built,
                          only_asked=True)


BY_SOCKET = [by_socket(roots.EXIM_LIGHT_4_96), by_socket(roots.EXIM_4_98, *OF_THE_BUILD),
             by_socket(roots.EXIM_LIGHT_NEWEST, *OF_THE_BUILD, "scenarios_counts")]
OTHER_BUILDS = [*(by_socket(root, asked=ALL) for root in (roots.EXIM_4_96, roots.EXIM_LIGHT_4_98, roots.EXIM_4_98, roots.EXIM_LIGHT_NEWEST, roots.EXIM_NEWEST)),
                with_openssl("socket", OpenSslSocketSender), with_openssl("dlfunc", OpenSslSender)]

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [by_dlfunc(), *BY_SOCKET, *OTHER_BUILDS]))
