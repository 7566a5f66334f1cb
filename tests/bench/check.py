#!/usr/bin/python3
"""What `mtasts check` needs for long lists, and for a domain with several slow MX hosts, as ratios within one run.

    sudo tests/bench/check.py --build build/release [--rounds N]

Every domain has a zone, a policy host and a certificate of its own; they share some MX hosts, as domains of one hoster do.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "e2e/check")]

import sandbox  # noqa: E402
from mx import MailHost  # noqa: E402
from no_server import NoServer  # noqa: E402
from packages import LabError  # noqa: E402
from world import Domain, World  # noqa: E402

HOSTS = [MailHost(f"shared{number}.mx.test", f"198.51.100.{100 + number}") for number in range(10)]
TLSRPT = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@lab.test"'
LENGTHS = (100, 300, 1000)
JOBS = (5, 20, 80)
USUAL_JOBS = 20
SLOW = [f"198.51.100.{number}" for number in range(200, 205)]
GREETING_AFTER = 3.0


def domain(name: str, mx: tuple[str, ...], more: str = "") -> Domain:
    return Domain(name, mx, "enforce", max_age=2592000, records=f"{TLSRPT}\n{more}")


LIST = [domain(f"d{number}.test", (HOSTS[number % len(HOSTS)].name,)) for number in range(max(LENGTHS))]
SLOW_DOMAINS = [domain(f"slow{count}.test", tuple(f"m{number}.slow{count}.test" for number in range(count)),
                       "\n".join(f"m{number} A {SLOW[number]}" for number in range(count))) for count in (1, len(SLOW))]


@dataclass(frozen=True)
class Cost:
    """Of one run. KiB: the most that was resident, of the command and of its helper, which reads what strangers send. `cpu`: of both."""

    seconds: float
    cpu: float
    command: float
    helper: float


def peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return float(next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0"))


def cpu_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def helpers() -> list[int]:
    """Nobody else looks anything up here."""
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/comm") if file.read_text(encoding="ascii") == "mtasts-lookup\n"]


def check(names: list[str], jobs: int) -> Cost:
    begin = time.monotonic()
    with subprocess.Popen(["mtasts", "check", "--json", "-j", str(jobs), "--domains", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write("\n".join(names))
        process.stdin.close()
        command = helper = helper_cpu = 0.0
        told = 0
        for line in process.stdout:
            told += json.loads(line)["status"] == "ok"
            if told % 10 == 0:
                try:
                    command = max(command, peak(process.pid))
                    helper = max([helper, *(peak(one) for one in helpers())])
                    helper_cpu = max([helper_cpu, *(cpu_seconds(one) for one in helpers())])
                except OSError:
                    pass  # it has just ended
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if told != len(names):
        raise SystemExit(f"bench: of {len(names)} domains {told} are in order; exit {process.returncode}")
    return Cost(time.monotonic() - begin, usage.ru_utime + usage.ru_stime + helper_cpu, command, helper)


def medians(columns: list[list[Cost]]) -> list[Cost]:
    return [Cost(*(statistics.median(getattr(cost, field.name) for cost in column) for field in fields(Cost))) for column in columns]


def measure_lists(rounds: int) -> None:
    names = [one.name for one in LIST]
    ways = [(length, USUAL_JOBS) for length in LENGTHS] + [(max(LENGTHS), jobs) for jobs in JOBS if jobs != USUAL_JOBS]
    costs = medians([list(column) for column in zip(*[[check(names[:length], jobs) for length, jobs in ways] for _ in range(rounds)])])
    base = costs[0]
    for (length, jobs), cost in zip(ways, costs):
        print(f"{length:5} domains, -j {jobs:2}: {cost.seconds:6.1f} s, {length / cost.seconds:4.0f}/s, {1000 * cost.cpu / length:5.1f} ms CPU each, "
              f"{100 * cost.cpu / cost.seconds:3.0f} % of one core; command {cost.command / 1024:5.1f} MiB: {cost.command / base.command:.2f}x, "
              f"helper {cost.helper / 1024:5.1f} MiB: {cost.helper / base.helper:.2f}x", flush=True)


class SlowGreetings:
    """SMTP servers that greet late and have no STARTTLS."""

    def __init__(self) -> None:
        for address in SLOW:
            listening = socket.create_server((address, 25), backlog=50)
            threading.Thread(target=self._serve, args=(listening,), daemon=True).start()

    def _serve(self, listening: socket.socket) -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    @staticmethod
    def _greet(connection: socket.socket) -> None:
        time.sleep(GREETING_AFTER)
        with connection:
            try:
                connection.sendall(b"220 slow ESMTP\r\n")
                while connection.recv(1024):
                    connection.sendall(b"250 slow\r\n")
            except OSError:
                pass  # who came has gone


def measure_hosts(rounds: int) -> None:
    def seconds(name: str) -> float:
        begin = time.monotonic()
        told = subprocess.run(["mtasts", "check", "--json", name], capture_output=True, text=True, check=False).stdout
        if told.count('"mx-no-starttls"') != len(json.loads(told)["mx"]):
            raise SystemExit(f"bench: the hosts of {name} were not reached: {told}")
        return time.monotonic() - begin

    SlowGreetings()
    samples = [[seconds(one.name) for one in SLOW_DOMAINS] for _ in range(rounds)]
    one, all_of_them = (statistics.median(column) for column in zip(*samples))
    print(f"a domain with one host that greets after {GREETING_AFTER:.0f} s: {one:.2f} s, with {len(SLOW)} of them: {all_of_them:.2f} s: {all_of_them / one:.2f}x", flush=True)


def inside(options: argparse.Namespace) -> int:
    world = World([*LIST, *SLOW_DOMAINS], HOSTS, NoServer())
    world.start()
    try:
        world.sender.install_module(options.build)
        measure_hosts(options.rounds)
        measure_lists(options.rounds)
    finally:
        world.stop()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="what mtasts check needs")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.build = options.build.resolve()
    if options.inside:
        return inside(options)
    try:
        return sandbox.run(["/usr/bin/python3", str(HERE / "check.py"), "--inside", "--build", str(options.build), "--rounds", str(options.rounds)],
                           writable=options.build)
    except LabError as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
