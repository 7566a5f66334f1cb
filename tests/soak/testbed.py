"""The machine of the soak: servers that run, programs that are installed, a store on a small disk of its own.

Exists only inside the sandbox (tests/lab/sandbox.py).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Iterator

import entry
from authority import LongAuthority
from clock import Clock
from daemon import SOCKET, Daemon
from dns import Dns, DnsAddresses, Zone
from packages import LabError
from pki import Leaf
from process import Programs
import strangers
from mail_server import make_folder, make_user
from model import Domain, Kind, Version
from web import Place, PolicyHost, Web
from world import AUTHORITY, RESOLVER, WEB

FOLDER = Path("/soak")
DISK = Path("/soak/disk")  # a file system of its own
DISK_BYTES = 32 << 20
DISK_FILES = 3_000
STORE = DISK / "store"
MAX_ENTRIES, MAX_MB = 1000, 16  # the least that can be configured; the disk has room for more
CONFIGURATION = FOLDER / "mtasts.toml"
DAEMON_CONFIGURATION = FOLDER / "mtastsd.toml"
SANITIZER_REPORTS = FOLDER / "sanitizer"  # of helpers, whose standard error nobody sees
OWNER = "_mtasts"
READER = "alice"
DEADLINE = 3  # seconds
DNS_TIMEOUT = 1
FETCH_TIMEOUT = 2
DAEMON_FETCH_TIMEOUT = 10  # a fetch goes on after the deadline of whoever waits, as it does by default
LOOKUP = "mtasts-lookup"  # the helper
NAME_SERVERS = ("unbound", "knotd")


class Testbed:
    """`names_lock` is held by whoever changes zones or breaks the resolver, `store_lock` by whoever damages the store's
    files or takes stock of them."""

    def __init__(self, build: Path, domains: list[Domain]) -> None:
        self.build = build
        self.domains = domains
        FOLDER.mkdir()
        self.authority = LongAuthority(FOLDER / "pki", [*(f"mta-sts.{domain.name}" for domain in domains), *strangers.certified()], (Kind.UNTRUSTED.word,))
        self.strangers = strangers.Strangers(FOLDER / "strangers", SOCKET)
        programs = Programs(Path("/"))
        self.dns = Dns(programs, FOLDER / "dns", DnsAddresses(AUTHORITY, (RESOLVER,), None),
                       [*(zone(domain) for domain in domains), *strangers.zones(self.strangers.six)])
        self.web = Web(programs, FOLDER / "web", WEB, self.authority,  # type: ignore[arg-type]
                       [policy_host(domain) for domain in domains if domain.kind is not Kind.ABSENT])
        self.clock = Clock(FOLDER / "clock")
        self.daemon = Daemon(FOLDER / "mtastsd", DAEMON_CONFIGURATION, {**self.environment(), "SOAK_DAEMON": "1"})
        self.names_lock = threading.Lock()
        self.store_lock = threading.Lock()

    def start(self) -> None:
        self._make_disk()
        run("cmake", "--install", str(self.build))
        CONFIGURATION.write_text(self._configuration(FETCH_TIMEOUT), encoding="ascii")
        DAEMON_CONFIGURATION.write_text(f'{self._configuration(DAEMON_FETCH_TIMEOUT)}[socketmap]\nsocket_mode = "0666"\n', encoding="ascii")
        self.dns.start()
        self.web.start()
        self.strangers.start(self.authority.issue(Leaf("strangers")))
        self.daemon.start()

    def _configuration(self, fetch_timeout: int) -> str:
        return (f'[dns]\nresolvers = ["{RESOLVER[0]}"]\ntimeout_s = {DNS_TIMEOUT}\nmin_ttl_s = 0\ntrust_ad = "always"\n'
                f'[fetch]\ntimeout_s = {fetch_timeout}\nca_file = "{self.authority.root}"\n'
                f'[engine]\ndeadline_s = {DEADLINE}\n[cache]\ndirectory = "{STORE}"\n'
                f'max_entries = {MAX_ENTRIES}\nmax_mb = {MAX_MB}\n')

    @property
    def talkative(self) -> list[Domain]:
        """Without those that can only make one wait."""
        return [domain for domain in self.domains if domain.kind is not Kind.SILENT]

    @staticmethod
    def needed() -> dict[int, str]:
        """The processes that an answer of mtastsd may need, with their names."""
        return {pid: name for pid, name in processes("mtastsd", *NAME_SERVERS, LOOKUP) if name != LOOKUP or is_daemons(pid)}

    def keep_logs(self, folder: Path) -> None:
        """What everybody said, and the store, for whoever has to explain a finding."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in (*FOLDER.glob("dns/*.log"), *FOLDER.glob("mtastsd/*.log"), *FOLDER.glob("web/*error.log"), CONFIGURATION, DAEMON_CONFIGURATION):
            shutil.copy(log, folder)
        listed = subprocess.run(["find", str(STORE), "-type", "f", "-size", "-100k", "-printf", "== %P %U %m %Tc\\n", "-exec", "cat", "{}", ";"],
                                capture_output=True, check=False)
        (folder / "store.txt").write_bytes(listed.stdout)

    def stop(self) -> None:
        self.daemon.stop()
        self.strangers.stop()
        self.web.stop()
        self.dns.stop()

    def _make_disk(self) -> None:
        DISK.mkdir()
        # noatime: the kernel knows only its own clock, and must not say when an entry was last used.
        run("mount", "-t", "tmpfs", "-o", f"noatime,mode=755,size={DISK_BYTES},nr_inodes={DISK_FILES}", "soak", str(DISK))
        make_user(OWNER, str(STORE))
        make_user(READER, "/home/alice")
        make_folder(str(STORE), 0o755, OWNER)
        make_folder(str(SANITIZER_REPORTS), 0o1777, "root")

    # The programs under test.

    @property
    def tools(self) -> Path:
        return self.build / "tests/soak"

    def environment(self, die_at: int = 0) -> dict[str, str]:
        """For a program under test: the clock that can be moved; with `die_at`, see shim.c."""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "LD_PRELOAD": str(self.tools / "soak_shim.so"),
                       "SOAK_CLOCK": str(self.clock.file),
                       "ASAN_OPTIONS": f"verify_asan_link_order=0:log_path={SANITIZER_REPORTS}/report", "UBSAN_OPTIONS": f"log_path={SANITIZER_REPORTS}/report"}
        return {**environment, "SOAK_DIE_AT": str(die_at)} if die_at else environment

    def caller_program(self) -> list[str]:
        return [str(self.tools / "soak_caller"), str(CONFIGURATION)]

    @staticmethod
    def mtasts(*words: str) -> list[str]:
        return ["mtasts", "--config", str(CONFIGURATION), *words]

    # The store.

    @staticmethod
    def file_of(name: str) -> Path:
        """Where the entry of a domain is, or would be."""
        return STORE / entry.shard_of(name) / name

    def forget(self, name: str) -> None:
        """Throws the entry away, unless the disk does not let anybody, or another fault has made it somebody else's and
        looks whether it stays."""
        file = self.file_of(name)
        with contextlib.suppress(OSError):
            if file.lstat().st_uid == owner_id():
                file.unlink()

    def forge(self, folder: str, domains: list[Domain]) -> Path:
        """A folder outside the store with entries of these domains that whoever follows a link to them would believe."""
        forged = FOLDER / "forged" / folder
        forged.mkdir(parents=True, exist_ok=True)
        for domain in domains:
            body = f"version: STSv1\nmode: enforce\nmx: impostor.{domain.name}\nmax_age: 604800\n"
            now = self.clock.now()
            (forged / domain.name).write_bytes(entry.write(domain.name, entry.Stored("1", now, body), now + 3600))
        return forged

    # What domains publish.

    def publish(self, domain: Domain, version: Version) -> None:
        """The policy file first, the record after (R34). Call it with names_lock held while the resolver works."""
        domain.versions[version.number] = version
        self.put_body(domain, version.text())
        self.dns.publish(zone(domain))

    def put_body(self, domain: Domain, text: str) -> None:
        self.web.publish(domain.name, text)


def zone(domain: Domain) -> Zone:
    host = f"mta-sts A {WEB.of(place(domain))}"
    if domain.kind is Kind.ABSENT:
        return Zone(domain.name, "@ MX 10 mx")
    if domain.kind is Kind.BAD_RECORD:
        return Zone(domain.name, f'_mta-sts 1 TXT "v=STSv1; id=1;"\n_mta-sts 1 TXT "v=STSv1; id=2;"\n{host}')
    number = domain.current.number if domain.versions else 1
    return Zone(domain.name, f'_mta-sts 1 TXT "v=STSv1; id={number};"\n{host}')


def policy_host(domain: Domain) -> PolicyHost:
    good = Version(domain.name, 1, "enforce", domain.kind.max_age).text()  # what the untrusted ones would like to be believed
    body = domain.current.text() if domain.versions else good
    if domain.kind is Kind.BAD_POLICY:
        body = good.replace("mode: enforce", "mode: enforced")
    return PolicyHost(domain.name, body, leaf=Leaf(domain.name, dns=(f"mta-sts.{domain.name}",)), place=place(domain))


def place(domain: Domain) -> Place:
    return {Kind.SILENT: Place.SILENT, Kind.CLOSED: Place.CLOSED}.get(domain.kind, Place.NGINX)


def processes(*names: str) -> Iterator[tuple[int, str]]:
    """Process ids and names of those of the programs under test that are running and called one of `names`."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            name = (folder / "comm").read_text(encoding="utf-8").strip()
            state = (folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2][:1]
        except OSError:
            continue
        if name in names and state != "Z":
            yield int(folder.name), name


def is_daemons(pid: int) -> bool:
    """Whether this lookup helper is mtastsd's, which ends with it."""
    try:
        return b"\0SOAK_DAEMON=" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def started_before(pid: int, seconds_ago: float) -> bool:
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[19])
    except OSError:
        return False
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK") > seconds_ago


def owner_id() -> int:
    return pwd.getpwnam(OWNER).pw_uid


def remove(path: Path) -> None:
    """Whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def run(*command: str) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)}: {(result.stderr or result.stdout).strip()}")
