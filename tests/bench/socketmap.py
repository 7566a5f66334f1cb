#!/usr/bin/python3
"""What an answer of mtastsd costs, as ratios to a bare echo server in the same round, beside postfix-mta-sts-resolver.

    sudo tests/bench/socketmap.py --build build/release [--rounds N] [--seconds S] [--domains N] [--many N]

In each round every server is asked for so many seconds, one after the other, and each is compared with the echo server of
its own round: machines are shared and noisy. The servers share one processor, the clients have another. The CPU is the
server's own, from the kernel's count of nanoseconds.

Stores and policies: many_domains.h. The other resolver caches policies only, not that a domain has none, which it asks
DNS about again each time; it is asked for domains with a policy, and once for all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Sequence

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import peer  # noqa: E402
import sandbox  # noqa: E402
from dns import Dns, DnsAddresses, Zone  # noqa: E402
from mail_server import make_folder, make_user  # noqa: E402
from packages import LabError  # noqa: E402
from pki import Authority, Leaf  # noqa: E402
from process import Daemon, Programs  # noqa: E402
from web import PolicyHost, Web  # noqa: E402
from world import AUTHORITY, RESOLVER, WEB, replace_file  # noqa: E402

FOLDER = Path("/tmp/bench")
ONE_IN_HAS_A_POLICY = 20  # many_domains.h
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.mail.bench.test\r\nmx: *.backup.bench.test\r\nmax_age: 604800\r\n"
TRANSPORTS = ("unix", "TCP")
CONNECTIONS = (1, 32, 200)


@dataclass(frozen=True)
class Server:
    """Where it is asked on each transport, and the process that pays for it."""

    name: str
    addresses: dict[str, str]
    daemons: dict[str, Daemon]
    expect: str = "answer"

    def pid(self, transport: str) -> int:
        process = self.daemons[transport].process
        assert process is not None
        return process.pid


@dataclass(frozen=True)
class Way:
    """One server asked for one choice among so many domains (socketmap_load.cc)."""

    server: Server
    choice: str
    domains: int


@dataclass(frozen=True)
class Sample:
    """CPU and latencies in microseconds, `load` the share of its processor that the client used."""

    cpu: float
    p50: float
    p99: float
    rate: float
    load: float


@dataclass
class Bench:
    build: Path
    rounds: int
    seconds: float
    seed: int = 0
    running: set[Daemon] = field(default_factory=set)
    cpus: list[int] = field(default_factory=lambda: sorted(os.sched_getaffinity(0)))

    def program(self, name: str) -> str:
        return str(self.build / "tests/bench" / name)

    def settle(self, server: Server) -> None:
        """All its threads on the first processor; it is stopped at the end."""
        self.running.update(server.daemons.values())
        for transport in server.daemons:
            for thread in Path(f"/proc/{server.pid(transport)}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {self.cpus[0]})

    def ask(self, way: Way, transport: str, connections: int, seconds: float | None = None) -> Sample:
        self.seed += 1
        pid = way.server.pid(transport)
        command = [self.program("bench_socketmap_load"), way.server.addresses[transport], str(connections), str(seconds or self.seconds),
                   str(way.domains), way.choice, way.server.expect, str(self.seed)]
        before = cpu_ns(pid)
        result = subprocess.run(["taskset", "-c", str(self.cpus[-1]), *command], capture_output=True, text=True, check=False)
        spent = cpu_ns(pid) - before
        if result.returncode != 0:
            raise LabError(f"{way.server.name}: {result.stderr.strip()}")
        requests, took, client, p50, p99 = map(float, result.stdout.split())
        return Sample(spent / requests / 1000, p50 / 1000, p99 / 1000, requests / took, client / took)

    def compare(self, ways: Sequence[Way], transport: str, connections: int) -> list[list[Sample]]:
        """The samples of each way, taken in turns."""
        return list(zip(*[[self.ask(way, transport, connections) for way in ways] for _ in range(self.rounds)]))


def cpu_ns(pid: int) -> int:
    """Of all threads that are there."""
    return sum(int((thread / "schedstat").read_text(encoding="ascii").split()[0]) for thread in Path(f"/proc/{pid}/task").iterdir())


def memory(pid: int) -> str:
    sizes: dict[str, float] = {}
    for file in ("smaps_rollup", "status"):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines():
            name, _, rest = line.partition(":")
            if rest.endswith(" kB"):
                sizes[name] = int(rest.split()[0]) / 1024
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return f"{sizes['Pss']:.1f} MiB with its share of libraries, {private:.1f} private; resident at most {sizes['VmHWM']:.1f}"


def middle(samples: Sequence[Sample]) -> Sample:
    return Sample(*(statistics.median(getattr(sample, part.name) for sample in samples) for part in fields(Sample)))


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample], part: str) -> str:
    """The median over the rounds, and what it was between."""
    ratios = [getattr(one, part) / getattr(other, part) for one, other in zip(ours, theirs)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def table(bench: Bench, ways: Sequence[tuple[str, Way]], connections: Sequence[int] = CONNECTIONS, transports: Sequence[str] = TRANSPORTS) -> None:
    """The first way is what the others are compared with."""
    print(f"{'':9}{'':28}{'CPU/request':>20}{'p50':>20}{'p99':>20}{'requests/s':>12}{'client':>8}")
    for transport in transports:
        for count in connections:
            columns = bench.compare([way for _, way in ways], transport, count)
            first = middle(columns[0])
            print(f"{transport:5}{count:3} {ways[0][0]:28}{first.cpu:17.2f} us{first.p50:17.1f} us{first.p99:17.1f} us"
                  f"{first.rate:12.0f}{100 * first.load:7.0f}%")
            for (name, _), column in zip(ways[1:], columns[1:]):
                parts = "".join(f"{ratio(column, columns[0], part):>20}" for part in ("cpu", "p50", "p99"))
                print(f"{'':9}{name:28}{parts}{middle(column).rate:12.0f}{100 * middle(column).load:7.0f}%", flush=True)


class SmallInternet:
    """Names and policy hosts of the domains that have a policy."""

    def __init__(self, domains: int) -> None:
        names = [f"domain{number}.bench.test" for number in range(0, domains, ONE_IN_HAS_A_POLICY)]
        lines = [f'_mta-sts.{name}. TXT "v=STSv1; id=20261101T000000Z;"\nmta-sts.{name}. A {WEB.good4}\n{name}. MX 10 mx1.mail' for name in names]
        groups = [names[begin:begin + 40] for begin in range(0, len(names), 40)]
        hosts = [PolicyHost(first, POLICY, Leaf(first, dns=tuple(f"mta-sts.{name}" for name in (first, *others))), aliases=tuple(others))
                 for first, *others in groups]
        programs = Programs(Path("/"))
        authority = Authority(FOLDER / "pki")
        self.dns = Dns(programs, FOLDER / "dns", DnsAddresses(AUTHORITY, (RESOLVER,), None),
                       [Zone("bench.test", "\n".join([*lines, "mx1.mail A 198.51.100.10"]))])
        self.web = Web(programs, FOLDER / "web", WEB, authority, hosts)
        replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\n")
        replace_file("/etc/ssl/certs/ca-certificates.crt", authority.root.read_text(encoding="ascii"))

    def start(self) -> None:
        self.dns.start()
        self.web.start()


def started(name: str, argv: list[str], number: int, expect: str = "answer") -> Server:
    """One process at both transports; `argv` may name {unix} and {tcp}."""
    unix, port = FOLDER / f"{number}.sock", 8470 + number
    daemon = Daemon([word.format(unix=unix, port=port) for word in argv], FOLDER / f"{number}.log")
    daemon.start(("127.0.0.1", port), patience=60)
    return Server(name, {"unix": f"unix:{unix}", "TCP": f"inet:{port}"}, {transport: daemon for transport in TRANSPORTS}, expect)


def echo_server(bench: Bench) -> Server:
    return started("echo", [bench.program("bench_socketmap_echo"), "unix:{unix}", "inet:{port}"], 0, "echo")


def mtastsd(bench: Bench, store: Path, domains: int, number: int) -> Server:
    """With a store of so many domains, and everything else as without a configuration."""
    directory = store / str(domains)
    make_folder(str(directory), 0o755, "_mtasts")
    subprocess.run(["setpriv", "--reuid", "_mtasts", "--regid", "_mtasts", "--clear-groups",
                    bench.program("bench_fill_store"), str(directory), str(domains)], check=True)
    configuration = FOLDER / f"{number}.toml"
    configuration.write_text(f'[cache]\ndirectory = "{directory}"\n[socketmap]\n'
                             f'listen = ["unix:{FOLDER}/{number}.sock", "inet:127.0.0.1:{8470 + number}"]\n', encoding="ascii")
    return started("mtastsd", ["/usr/sbin/mtastsd", "--config", str(configuration)], number)


def other_resolver(tree: Path) -> Server:
    path, port = FOLDER / "peer.sock", 8469
    daemons = {"unix": peer.daemon(tree, FOLDER, path=path), "TCP": peer.daemon(tree, FOLDER, port=port)}
    daemons["unix"].start()
    daemons["TCP"].start(("127.0.0.1", port))
    for _ in range(1000):  # the first connection tells if it never comes
        if path.exists():
            break
        time.sleep(0.01)
    return Server(peer.NAME, {"unix": f"unix:{path}", "TCP": f"inet:{port}"}, daemons)


def inside(options: argparse.Namespace) -> None:
    FOLDER.mkdir()
    bench = Bench(options.build, options.rounds, options.seconds)
    subprocess.run(["cmake", "--install", str(options.build), "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL)
    make_user("_mtasts", "/var/lib/mtasts")
    SmallInternet(options.domains).start()
    with tempfile.TemporaryDirectory(prefix="socketmap-", dir=options.build) as store:
        Path(store).chmod(0o755)
        try:
            ours = compare_with_peer(bench, options, Path(store))
            if options.many:
                compare_with_many(bench, options, Path(store), ours)
        finally:
            for daemon in bench.running:  # who writes into the store would keep it from being removed
                daemon.stop()


def compare_with_peer(bench: Bench, options: argparse.Namespace, store: Path) -> Server:
    echo, ours, theirs = echo_server(bench), mtastsd(bench, store, options.domains, 1), other_resolver(Path(options.peer))
    for server in (echo, ours, theirs):
        bench.settle(server)
    prime(bench, ours, options.domains)
    prime(bench, theirs, options.domains)
    print(f"{options.domains} cached domains, one in {ONE_IN_HAS_A_POLICY} with a policy; {options.rounds} rounds of {options.seconds} s; times of echo, ratios to it: "
          "median (lowest-highest)")
    every = Way(echo, "uniform", options.domains)
    table(bench, [("echo", every), ("mtastsd", Way(ours, "uniform", options.domains)), (peer.NAME, Way(theirs, "policies", options.domains))])
    print("\nWhat is asked for: domains with a policy, popular ones, and (of the other resolver) those without")
    table(bench, [("echo", every), ("mtastsd, policies only", Way(ours, "policies", options.domains)),
                  ("mtastsd, skewed", Way(ours, "skewed", options.domains)), (f"{peer.NAME}, all", Way(theirs, "uniform", options.domains))],
          (32,), ("unix",))
    print(f"\nmemory: mtastsd {memory(ours.pid('unix'))}\n        {peer.NAME} (caches the policies only) {memory(theirs.pid('unix'))}")
    return ours


def compare_with_many(bench: Bench, options: argparse.Namespace, store: Path, few: Server) -> None:
    many = mtastsd(bench, store, options.many, 2)
    bench.settle(many)
    prime(bench, many, options.many)
    print(f"\n{options.many} domains against {options.domains}")
    table(bench, [(f"{options.domains} domains", Way(few, "uniform", options.domains)), (f"{options.many}, uniform", Way(many, "uniform", options.many)),
                  (f"{options.many}, skewed", Way(many, "skewed", options.many))])
    print(f"\nmemory: {memory(many.pid('unix'))}", flush=True)


def prime(bench: Bench, server: Server, domains: int) -> None:
    """Everything has been asked for once before anything is measured."""
    for transport in dict.fromkeys(server.daemons) if server.name == peer.NAME else ("unix",):
        bench.ask(Way(server, "each", domains), transport, 32)


def main() -> int:
    parser = argparse.ArgumentParser(description="what an answer of mtastsd costs")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000, help="0: leave it away")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.build = options.build.resolve()
    try:
        if options.peer:
            inside(options)
            return 0
        words = [f"--{name}={value}" for name, value in vars(options).items() if name != "peer"]
        return sandbox.run(["/usr/bin/python3", str(HERE / "socketmap.py"), f"--peer={peer.unpacked()}", *words], writable=options.build)
    except LabError as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
