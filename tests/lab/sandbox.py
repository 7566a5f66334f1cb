#!/usr/bin/python3
"""A machine of its own for a command: private mounts, network and processes, gone when it ends, even when killed.

    sandbox.py [--writable DIR] -- COMMAND…
    sandbox.py --check                        prints why there can be none on this machine, and exits 1 then

Inside, `/` is an overlay over this machine's `/` with the server packages laid over it: programs are installed,
configured and started there as a user would, and nothing of it reaches the machine. The repository is visible
read-only at its own path; the folder given as --writable (a build folder) may be written.
The network is `lo` alone; all of NET4 and NET6 is this host, so that one process can play many hosts on port 25, 53, 443.
Servers of ours that the machine itself has are hidden with their configuration, spool and state.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Sequence

import packages
from packages import LabError
from process import dying_with_parent

NET4 = "198.51.100.0/24"
NET6 = "2001:db8:1::/64"
OWN4 = "198.51.100.1"
OWN6 = "2001:db8:1::1"
HOST_NAME = "sender.lab.test"
SETUP = Path(__file__).resolve().with_name("sandbox_setup.sh")


def command_line(command: Sequence[str], tree: Path, writable: Path | None) -> list[str]:
    stage = tree.parent / "sandbox"
    stage.mkdir(exist_ok=True)
    return dying_with_parent([
        "unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private", "sh",
        str(SETUP), str(stage), str(tree), str(packages.REPOSITORY), str(writable or "/"), HOST_NAME, OWN4, NET4, OWN6, NET6,
        *command])


def environment() -> dict[str, str]:
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1", "TERM": os.environ.get("TERM", "dumb"),
            **({"NO_COLOR": "1"} if "NO_COLOR" in os.environ else {})}


@functools.cache
def refusal() -> str:
    """Why there can be no sandbox on this machine, as one sentence, or "" when there can. Nothing need be unpacked for it. It is tried
    once."""
    if os.geteuid() != 0:
        return "the sandbox (namespaces and an overlay mount) needs root"
    tree = packages.DEFAULT_TREE.parent / "empty"
    tree.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(command_line(["true"], tree, None), env=environment(), stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    told = result.stderr.strip().splitlines() or ["no reason given"]
    return f"namespaces or overlay mounts are refused on this machine ({told[-1]})"


def run(command: Sequence[str], *, writable: Path | None = None, pass_fds: Sequence[int] = ()) -> int:
    """Runs `command` inside and returns its exit code. Raises LabError when there can be no sandbox."""
    reason = refusal()
    if reason:
        raise LabError(reason)
    tree = packages.unpacked()
    return subprocess.run(command_line(command, tree, writable), env=environment(), pass_fds=pass_fds, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="run a command in a machine of its own")
    parser.add_argument("--writable", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("command", nargs="*")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            reason = refusal()
            print(reason, end="\n" if reason else "")
            return 1 if reason else 0
        return run(arguments.command, writable=arguments.writable and arguments.writable.resolve())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
