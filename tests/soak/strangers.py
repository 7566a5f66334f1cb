"""Strangers: domains whose zones, policy hosts and MX lists are made to harm whoever asks, and those who make a mail server ask.

Of each domain here it does not matter what is answered, only what that does to others. None of them has a policy that counts
but those of hoarded() and lying(), whose policies are good.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

import hostile_web
from dns import Zone
from packages import LabError
from pki import Pair
from process import dying_with_parent

HERE = Path(__file__).resolve().parent
FLOOD = HERE.parent / "lab" / "flood.py"
NET = "203.0.113"  # nobody else's: what is bounded for each network hits the strangers alone
MANY_NETS, MANY_NETS6 = "100.200.0.0/15", "2a10::/16"  # public ones, for hosts that share none
RECORD = 'TXT "v=STSv1; id=1;"'

SILENT_HOSTS, SHUT_HOSTS, VOIDS, MANY = 12, 6, 10, 60
MX_HOSTS = 20
HOARDED, LYING = 300, 40
HANDSHAKES = sorted(hostile_web.HANDSHAKES)
BULK = ("drip_body", "drip_header", "late", "chunked_giant", "declares_giant", "endless_headers", "endless_header", "endless_trailers",
        "endless_chunk_extension", "interim_flood", "drips_interim", "content_bomb")


@dataclass(frozen=True)
class Host:
    address: str
    behaviour: str
    body: str = ""


def numbered(first: int, count: int) -> list[str]:
    return [f"{NET}.{first + number}" for number in range(count)]


SILENT = [f"100.200.{number}.1" for number in range(SILENT_HOSTS)]
SHUT = [f"100.201.{number}.1" for number in range(SHUT_HOSTS)]
SILENT6 = [f"2a10:{number:x}::1" for number in range(SILENT_HOSTS)]
DHE, GOOD_HOARD, GOOD_LYING = (f"{NET}.{number}" for number in (10, 11, 12))
SHAKING, BULKY, VOID = numbered(60, len(HANDSHAKES)), numbered(80, len(BULK)), numbered(120, VOIDS)


# What is asked for: patterns of flood.py, with a number for each "{}".

def dhe() -> list[str]:
    return ["d{}.dhe.test"]


def silent() -> list[str]:
    """Half of them are registrable domains of their own."""
    return [name for number in range(SILENT_HOSTS) for name in (f"d{{}}.g{number}.silent.test", "d{}.test")]


def shut() -> list[str]:
    return [f"d{{}}.g{number}.shut.test" for number in range(SHUT_HOSTS)]


def shaking() -> list[str]:
    return [f"d{{}}.g{number}.shake.test" for number in range(len(HANDSHAKES))]


def bulky() -> list[str]:
    return [f"d{number}.bulk.test" for number in range(MANY)]


def void() -> list[str]:
    return [f"d{{}}.v{number}.void.test" for number in range(VOIDS)]


def lying() -> list[str]:
    """Each a registrable domain of its own, and signed."""
    return [f"y{number}.test" for number in range(LYING)]


def hoarded() -> list[str]:
    """Each a registrable domain of its own."""
    return [f"x{number}.test" for number in range(HOARDED)]


def flood() -> list[str]:
    """Every second one has a silent policy host, the others have silent name servers."""
    return ["d{}.tarpit.flood.test", "d{}.dead.flood.test"]


def certified() -> list[str]:
    """The policy hosts that show a good certificate: nothing but its SAN says which."""
    return [f"mta-sts.{name}" for name in (*bulky(), *lying(), *hoarded())]


WHERE = ("dhe.test", "silent.test", "shut.test", "shake.test", "bulk.test", "void.test", "flood.test")
OWN = re.compile(r"[dxy][0-9x]+\.test")


def owns(name: str) -> bool:
    """Whether a domain is a stranger's."""
    return OWN.fullmatch(name) is not None or name.endswith(tuple(f".{zone}" for zone in WHERE))


def zones(six: bool) -> list[Zone]:
    """`six`: with addresses of IPv6."""
    def addresses(label: str, four: list[str], six_: list[str]) -> str:
        return "".join(f"{label} A {address}\n" for address in four) + "".join(f"{label} AAAA {address}\n" for address in six_ if six)

    def group(number: int, address: str, address6: str = "") -> str:
        return f"*.g{number} {RECORD}\n" + addresses(f"*.g{number}", [address], [address6] if address6 else [])

    def host(label: str, address: str) -> str:
        return f"_mta-sts.{label} {RECORD}\nmta-sts.{label} A {address}\n"

    lies = f"_mta-sts {RECORD}\nmta-sts A {GOOD_LYING}\n" + "".join(f"@ MX 10 h{mx}.v{mx % VOIDS}.void.test.\n" for mx in range(MX_HOSTS))
    top = f"* {RECORD}\n" + addresses("*", SILENT, SILENT6) + "".join(host(name.removesuffix(".test"), GOOD_HOARD) for name in hoarded())
    return [Zone("test", top), Zone("dhe.test", f"* {RECORD}\n* A {DHE}"),
            Zone("silent.test", "".join(map(group, range(SILENT_HOSTS), SILENT, SILENT6))), Zone("shut.test", "".join(map(group, range(SHUT_HOSTS), SHUT))),
            Zone("shake.test", "".join(map(group, range(len(SHAKING)), SHAKING))),
            Zone("bulk.test", "".join(host(f"d{number}", BULKY[number % len(BULKY)]) for number in range(MANY))),
            Zone("void.test", "".join(f"v{number} NS ns.v{number}\nns.v{number} A {address}\n" for number, address in enumerate(VOID))),
            *(Zone(name, lies, signed=True) for name in lying()),
            Zone("flood.test", f"*.tarpit {RECORD}\n*.tarpit A {SILENT[0]}\ndead NS ns.dead\nns.dead A {VOID[0]}")]


def hosts(six: bool) -> list[Host]:
    """The policy of a hoarder is as long as the share of one registrable domain lets it be: a 256th of 16 MB, in whole blocks."""
    def policy(patterns: str) -> str:
        return f"version: STSv1\r\nmode: enforce\r\n{patterns}max_age: 31557600\r\n"

    hoard = hostile_web.padded(policy("mx: mx.test\r\n").encode(), 58 * 1024).decode()
    lies = policy("".join(f"mx: *.v{number}.void.test\r\n" for number in range(VOIDS)))
    return [Host(DHE, "dhe"), Host(GOOD_HOARD, "good", hoard), Host(GOOD_LYING, "good", lies), *(Host(address, "shut") for address in SHUT),
            *(Host(address, "silent") for address in [*SILENT, *(SILENT6 if six else [])]), *map(Host, SHAKING, HANDSHAKES),
            *(Host(address, behaviour, policy("mx: mx.test\r\n")) for address, behaviour in zip(BULKY, BULK))]


class Strangers:
    """Their hosts, in a process of its own that has no claim to the machine's time."""

    def __init__(self, folder: Path, socket: str) -> None:
        self.folder = folder
        self.socket = socket
        self.visits = itertools.count(1)
        self.six = not command("ip", "-6", "route", "add", "local", MANY_NETS6, "dev", "lo")
        for net in (f"{NET}.0/24", MANY_NETS):
            command("ip", "route", "add", "local", net, "dev", "lo")
        folder.mkdir()

    def start(self, pair: Pair) -> None:
        group, rsa = self.folder / "dh.pem", self.folder / "rsa.pem"
        trouble = command("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe8192", "-out", str(group))
        trouble += command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=dhe", "-keyout", str(rsa), "-out", f"{rsa}.crt")
        if trouble:
            raise LabError(trouble)
        rsa.write_text(rsa.read_text(encoding="ascii") + Path(f"{rsa}.crt").read_text(encoding="ascii"), encoding="ascii")
        text = {"certificate": str(pair.certificate), "key": str(pair.key), "rsa": str(rsa), "dh": str(group), "voids": VOID,
                "hosts": {host.address: {"behaviour": host.behaviour, "body": host.body} for host in hosts(self.six)}}
        (self.folder / "hosts.json").write_text(json.dumps(text), encoding="utf-8")
        self._hosts = subprocess.Popen(dying_with_parent(["nice", "-n", "10", sys.executable, str(HERE / "strange_hosts.py"), str(self.folder / "hosts.json")]),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._hosts.stdout
        if self._hosts.stdout.readline() != "ready\n":
            raise LabError("the strangers' hosts do not start")

    def stop(self) -> None:
        self._hosts.kill()
        self._hosts.wait()

    def runs(self) -> bool:
        return self._hosts.poll() is None

    @contextlib.contextmanager
    def visiting(self, how: str, connections: int, user: str, domains: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """As long as this lasts somebody asks mtastsd for these domains over so many connections; where they are numbered, for other
        ones than the last time."""
        tag = f"{next(self.visits)}x{{}}"
        identity = ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"] if user != "root" else []
        process = subprocess.Popen(dying_with_parent(["prlimit", "--nofile=4096", "nice", "-n", "5", *identity, sys.executable, str(FLOOD), self.socket,
                                                      str(connections), how, *(domain.replace("{}", tag) for domain in domains)]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin and process.stdout
        try:
            if process.stdout.readline() != "flooding\n":
                raise LabError("nobody visits mtastsd")
            yield process
        finally:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def command(*words: str) -> str:
    """Runs it; why it failed, or ""."""
    result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return f"{' '.join(words)}: {(result.stderr or result.stdout).strip()}" if result.returncode else ""
