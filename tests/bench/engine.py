#!/usr/bin/python3
"""What cold lookups cost, against curl's own tool fetching the same files in the same run.

    tests/bench/engine.py --build build/release [--rounds N] [--domains N]

A cold lookup is TXT, A, AAAA, HTTPS with a fresh connection, parsing and a policy saved with fsync; curl is told the
addresses and only fetches. curl's tool reads the file of trusted authorities anew for every host, which would be most of
its cost: it gets the lab's root alone, the lookups all authorities of the system besides, as on a real machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAB = HERE.parent / "lab"
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
AT_ONCE = (1, 32, 500)


@dataclass(frozen=True)
class Cost:
    """Of one run over all domains. MiB: the peak of the resident set, and what is shared with nobody at the end."""

    seconds: float
    cpu: float
    peak: float = 0.0
    private: float = 0.0


class Bench:
    def __init__(self, build: Path, folder: Path, domains: int) -> None:
        self.build = build
        self.folder = folder
        self.domains = domains
        self.authorities = folder / "authorities.pem"
        self.authorities.write_text(SYSTEM_AUTHORITIES.read_text(encoding="ascii") +
                                    Path(os.environ["MTASTS_LAB_CA"]).read_text(encoding="ascii"), encoding="ascii")
        self.one_authority = Path(os.environ["MTASTS_LAB_CA"])
        port = os.environ["MTASTS_LAB_POLICY_PORT"]
        hosts = [f"mta-sts.m{number}.many.test" for number in range(domains)]
        self.curl_configuration = folder / "curl"
        self.curl_configuration.write_text(
            "".join(f'resolve = "{host}:{port}:127.0.0.1"\n' for host in hosts) +
            "".join(f'url = "https://{host}:{port}/.well-known/mta-sts.txt"\noutput = "/dev/null"\n' for host in hosts),
            encoding="ascii")

    def lookups(self, tls: str, at_once: int) -> Cost:
        store = self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        command = [str(self.build / "tests/bench/bench_cold"), str(store), str(self.build / "lib"), tls, str(self.domains), str(at_once)]
        result = subprocess.run(command, env={**os.environ, "MTASTS_BENCH_CA": str(self.authorities)}, capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            raise SystemExit(f"bench: a lookup was not answered: {result.stdout}{result.stderr}")
        seconds, cpu, peak, private, _ = result.stdout.split()
        return Cost(float(seconds), float(cpu), float(peak) / 1024, float(private) / 1024)

    def curl(self, at_once: int) -> Cost:
        parallel = ["--parallel", "--parallel-immediate", "--parallel-max", str(min(at_once, 300))] if at_once > 1 else []
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        result = subprocess.run(["curl", "-q", "-sS", "--fail", "--http1.1", "--no-keepalive", *parallel, "--cacert", str(self.one_authority),
                                 "-K", str(self.curl_configuration)], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise SystemExit(f"bench: curl failed: {result.stderr[:500]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Cost(time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("seconds", "cpu", "peak", "private")))


def measure(bench: Bench, rounds: int, at_once: int) -> None:
    """One line for each TLS library; the ways take turns."""
    ways = [lambda: bench.curl(at_once), lambda: bench.lookups("openssl", at_once), lambda: bench.lookups("gnutls", at_once)]
    curl, *ours = (median(list(column)) for column in zip(*[[way() for way in ways] for _ in range(rounds)]))
    count = bench.domains
    print(f"{at_once:3} in flight: curl's tool, fetch only: {count / curl.seconds:5.0f}/s, {1000 * curl.cpu / count:5.2f} ms CPU each")
    for tls, cost in zip(("openssl", "gnutls"), ours):
        print(f"               cold lookup with {tls:7}: {count / cost.seconds:5.0f}/s, {1000 * cost.cpu / count:5.2f} ms CPU each: "
              f"{cost.cpu / curl.cpu:.2f}x, {1000 * (cost.cpu - curl.cpu) / count:+.2f} ms; peak {cost.peak:.1f} MiB, private {cost.private:.1f} MiB")


def main() -> int:
    parser = argparse.ArgumentParser(description="what cold lookups cost")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--domains", type=int, default=500)
    options = parser.parse_args()
    if shutil.which("curl") is None:
        raise SystemExit("bench: install curl, the tool that is compared with")
    if "MTASTS_LAB_CA" not in os.environ:
        return subprocess.run([sys.executable, str(LAB / "loopback.py"), "--", sys.executable, *sys.argv], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="mtasts-bench-") as folder:
        bench = Bench(options.build.resolve(), Path(folder), options.domains)
        for at_once in AT_ONCE:
            measure(bench, options.rounds, at_once)
    return 0


if __name__ == "__main__":
    sys.exit(main())
