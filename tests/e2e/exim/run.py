#!/usr/bin/python3
"""End-to-end tests of the Exim adapter: real Exim, real names, real policy hosts, real receivers, in a sandbox.

    sudo tests/e2e/exim/run.py --build build/release [--results FILE] [--only TEXT]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE)]

import openssl_exim  # noqa: E402
import roots  # noqa: E402
import runner  # noqa: E402
from exim_socket import SocketSender  # noqa: E402
from openssl_sender import OpenSslSender, OpenSslSocketSender  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_change  # noqa: E402,F401
import scenarios_configuration  # noqa: E402,F401
import scenarios_dane  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_examples  # noqa: E402,F401
import scenarios_reports  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_socket  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401
import scenarios_upkeep  # noqa: E402,F401

# What depends on Exim's own version and build: tainted data, expansions, events, DANE.
OF_THE_BUILD = ("every_enforce", "scenarios_dane", "scenarios_enforce", "scenarios_examples", "scenarios_socket", "scenarios_testing")


def by_socket(root: roots.Root, *modules: str) -> runner.Version:
    def world() -> World:
        [tree] = roots.unpacked(root)
        return World(DOMAINS, HOSTS, SocketSender(tree))

    return runner.Version(f"Exim by socket, {root.name.removeprefix('exim-')}", world, lambda: roots.unpacked(root), modules)


BY_SOCKET = [by_socket(roots.EXIM_LIGHT_4_96), by_socket(roots.EXIM_4_98, *OF_THE_BUILD), by_socket(roots.EXIM_LIGHT_NEWEST, *OF_THE_BUILD)]

# Compiled by tests/lab/openssl_exim.py; taken where that has been done.
WITH_OPENSSL = [runner.Version("Exim by socket, 4.96 with OpenSSL", lambda: World(DOMAINS, HOSTS, OpenSslSocketSender(openssl_exim.built())), modules=OF_THE_BUILD),
                runner.Version("Exim by dlfunc, 4.96 with OpenSSL", lambda: World(DOMAINS, HOSTS, OpenSslSender(openssl_exim.built())), modules=OF_THE_BUILD)]

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [runner.Version("Exim by dlfunc", lambda: World(DOMAINS, HOSTS)), *BY_SOCKET, *(WITH_OPENSSL if openssl_exim.is_built() else [])]))
