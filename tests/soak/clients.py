"""Those who ask all the time, each in a thread of its own: the command line and the C ABI, as root, as the store's owner and
as a user of no rights. And those who make things change or take stock.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import stat
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Callable

import daemon
import entry
import strangers
from testbed import DNS_TIMEOUT, FETCH_TIMEOUT, OWNER, STORE, Testbed, owner_id
from oracle import UNKNOWN, Answer, Oracle, Ticket
from programs import BUSY, GRACE, LIMIT, Caller, Runner
from model import Domain, Kind

APPLIES, NONE, TEMPORARY = 0, 1, 75
STATUS_OK, STATUS_DEFER = "0", "1"
SELDOM = 0.1
LINES = 4  # of a log, about one domain
MODES = ("none", "testing", "enforce")
REFRESH_ONE = FETCH_TIMEOUT + 3 * DNS_TIMEOUT + GRACE


def epoch(text: str | None) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) if text else UNKNOWN


def answer_of_json(code: int, output: str, writes: bool) -> Answer:
    """What `mtasts query --json` said. Raises ValueError or KeyError when it is not what it should be."""
    told = json.loads(output)
    return Answer({APPLIES: "policy", NONE: "none", TEMPORARY: "defer"}[code], told["mode"] or "none", tuple(told["mx"]), told["id"] or "",
                  UNKNOWN if told["max_age"] is None else told["max_age"], epoch(told["fetched"]), epoch(told["expires"]), told["reason"],
                  writes, told["source"] == "cache")


def answer_of_caller(fields: list[str], writes: bool) -> Answer:
    """What soak_caller said. Raises ValueError when it is not what it should be."""
    status, mode, number, expires, mx, lines, reason = fields
    if status not in (STATUS_OK, STATUS_DEFER):
        raise ValueError(f"status {status}")
    word = "defer" if status == STATUS_DEFER else "none" if mode == "0" else "policy"
    age = re.search(r"(?:^|,)max_age: (\d+)", lines)
    return Answer(word, MODES[int(mode)], tuple(mx.split(",")) if mx else (), number, int(age[1]) if age else UNKNOWN, UNKNOWN,
                  int(expires) or UNKNOWN, reason, writes)


class Client(threading.Thread):
    """`turn()` is done again and again until `runner.stopping` is set, with a pause of `pause` seconds on average."""

    def __init__(self, runner: Runner, seed: str, pause: float) -> None:
        super().__init__(daemon=True, name=seed)
        self.runner = runner
        self.random = random.Random(seed)
        self.pause = pause

    @property
    def testbed(self) -> Testbed:
        return self.runner.testbed

    @property
    def oracle(self) -> Oracle:
        return self.runner.oracle

    def run(self) -> None:
        while not self.runner.stopping.wait(self.random.uniform(0, 2 * self.pause)):
            try:
                if not self.runner.pausing.is_set():
                    self.turn()
            except Exception as trouble:  # pylint: disable=broad-except; the soak must not go on with half of its clients
                self.runner.report.found("stray", set(), f"the soak itself, in {self.name}: {type(trouble).__name__}: {trouble}")
                raise
        self.end()

    def turn(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        pass

    def any_domain(self) -> Domain:
        """One that can only make others wait comes up seldom."""
        return self.random.choice(self.testbed.domains if self.random.random() < SELDOM else self.testbed.talkative)


class CommandLine(Client):
    def __init__(self, runner: Runner, user: str, seed: str) -> None:
        super().__init__(runner, f"{seed} query {user}", 0.02)
        self.user = user

    def turn(self) -> None:
        query(self.runner, self.any_domain(), self.user, refresh=self.random.random() < 0.05)


def query(runner: Runner, domain: Domain, user: str, *, refresh: bool = False, die_at: int = 0) -> Answer | None:
    """Asks, has the answer judged, and returns it; None when there is nothing to judge."""
    ticket = runner.oracle.ticket(domain)
    ended = runner.run(["query", domain.name, "--json", *(["--refresh"] if refresh else [])], user, die_at=die_at)
    if ended.code is None:
        return None
    try:
        answer = answer_of_json(ended.code, ended.output, user in ("root", OWNER))
    except (ValueError, KeyError, TypeError) as trouble:
        runner.report.found("wrong", runner.faults(ticket.begin, domain.name),
                            f"{domain.name} as {user}: exit code {ended.code}, {trouble!r}: {ended.output[:300]!r} {ended.errors[-300:]!r}")
        return None
    judge(runner, domain, answer, ticket, f"query as {user}")
    return answer


def judge(runner: Runner, domain: Domain, answer: Answer, ticket: Ticket, who: str, log: Callable[[], list[str]] = list) -> None:
    """`log`: what there is to read about a wrong answer."""
    wrong = runner.oracle.judge(ticket, answer)
    faults = runner.faults(ticket.begin, domain.name)
    runner.report.answered(faults)
    if wrong:
        runner.report.found("wrong", faults, f"{domain.name}, {who}: {wrong}; the answer was {answer}" + "".join(f"\n    {line}" for line in log()))


class MailServer(Client):
    """Asks mtastsd as a mail server does, over a connection that it keeps. Also to be had without its thread, for one question."""

    def __init__(self, runner: Runner, seed: str = "") -> None:
        super().__init__(runner, seed, 0.05)
        self.connection = daemon.Connection(LIMIT)
        self.domains = [domain for domain in runner.testbed.domains if domain.kind is not Kind.FRESH]

    def __enter__(self) -> MailServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def turn(self) -> None:
        domain = self.random.choice(self.domains)
        if domain.kind is not Kind.SILENT or self.random.random() < SELDOM:
            self.ask(domain)

    def ask(self, domain: Domain) -> Answer | None:
        """Has the answer judged, and returns it; None when there is nothing to judge."""
        server = self.testbed.daemon
        generation = server.generation  # before it is found to serve: it may be stopped between the two
        if not server.serving.wait(LIMIT):
            return None
        ticket = self.oracle.ticket(domain)
        try:
            reply = self.connection.ask(domain.name)
        except daemon.NoAnswer as reason:
            if server.generation == generation:
                self.complain("crash" if server.revive() else "hang", domain, ticket, str(reason))
            return None
        end = time.monotonic()
        try:
            answer = daemon.answer_of(domain, reply, end - ticket.begin - self.runner.pulse.stalled(ticket.begin, end))
        except (ValueError, KeyError) as trouble:
            self.complain("wrong", domain, ticket, f"{trouble}: {reply[:300]!r}")
            return None
        judge(self.runner, domain, answer, ticket, "mtastsd", lambda: [line for line in server.lines if domain.name in line][-LINES:])
        return answer

    def complain(self, kind: str, domain: Domain, ticket: Ticket, text: str) -> None:
        self.runner.report.found(kind, self.runner.faults(ticket.begin, domain.name), f"{domain.name}, mtastsd: {text}")

    def end(self) -> None:
        self.connection.close()


class LongLived(Client):
    def __init__(self, runner: Runner, user: str, seed: str) -> None:
        super().__init__(runner, f"{seed} caller {user}", 0.01)
        self.user = user
        self.caller = Caller(runner, user)

    def turn(self) -> None:
        domain = self.any_domain()
        ticket = self.oracle.ticket(domain)
        fields = self.caller.ask(domain.name)
        if fields is None:
            return
        try:
            answer = answer_of_caller(fields, self.user in ("root", OWNER))
        except ValueError as trouble:
            self.runner.report.found("wrong", self.runner.faults(ticket.begin, domain.name), f"{domain.name} by C ABI: {trouble}: {fields}")
            return
        judge(self.runner, domain, answer, ticket, f"C ABI as {self.user}")

    def end(self) -> None:
        self.caller.close()


class Refresher(Client):
    """What the timer runs, far more often than any timer."""

    def __init__(self, runner: Runner, seed: str) -> None:
        super().__init__(runner, f"{seed} refresher", 0.5)

    def turn(self) -> None:
        refresh(self.runner, None if self.random.random() < 0.3 else self.any_domain())


def refresh(runner: Runner, domain: Domain | None = None) -> None:
    """`cache refresh` as root, for one domain or all that is due."""
    begin = time.monotonic()
    words = ["cache", "refresh", *([domain.name] if domain else [])]
    most = 1 if domain else sum(one.kind.has_policy for one in runner.testbed.domains)
    ended = runner.run(words, "root", limit=most * REFRESH_ONE + BUSY)
    if ended.code not in (APPLIES, NONE, TEMPORARY, None):
        runner.report.found("wrong", runner.faults(begin), f"{' '.join(words)}: exit code {ended.code}: {ended.errors[-300:]}")


class Lister(Client):
    """Reads everything at once: `cache list` and `cache show`."""

    LINE = re.compile(r"(?P<name>\S+)  (?P<mode>none|testing|enforce)  (?P<rest>.*)")

    def __init__(self, runner: Runner, user: str, seed: str) -> None:
        super().__init__(runner, f"{seed} lister {user}", 0.3)
        self.user = user
        self.modes = {domain.name: domain for domain in runner.testbed.domains}

    def turn(self) -> None:
        begin = time.monotonic()
        if self.random.random() < 0.5:
            ended = self.runner.run(["cache", "show", self.any_domain().name], self.user)
            allowed = (APPLIES, NONE, TEMPORARY, None)
        else:
            ended = self.runner.run(["cache", "list"], self.user)
            allowed = (APPLIES, TEMPORARY, None)
            for line in ended.output.splitlines() if ended.code == APPLIES else ():
                self.check(line, begin)
        if ended.code not in allowed:
            self.runner.report.found("wrong", self.runner.faults(begin), f"{self.name}: exit code {ended.code}: {ended.errors[-300:]}")

    def check(self, line: str, begin: float) -> None:
        found = self.LINE.match(line)
        if found and strangers.owns(found["name"]):
            return
        domain = self.modes.get(found["name"]) if found else None
        if found and domain and (found["mode"] == "none" or any(version.mode == found["mode"] for version in list(domain.versions.values()))):
            return
        self.runner.report.found("wrong", self.runner.faults(begin), f"cache list: {line}")


class Publisher(Client):
    """Domains that change their policies."""

    def __init__(self, runner: Runner, seed: str) -> None:
        super().__init__(runner, f"{seed} publisher", 0.4)
        self.moving = [domain for domain in runner.testbed.domains if domain.kind is Kind.MOVING]

    def turn(self) -> None:
        if not self.testbed.names_lock.acquire(blocking=False):  # names are broken now
            return
        try:
            domain = self.random.choice(self.moving)
            self.testbed.publish(domain, domain.next_version())
        finally:
            self.testbed.names_lock.release()


def beginning(file: Path) -> bytes:
    """Of what may be a giant; an entry is shorter."""
    with open(file, "rb") as opened:
        return opened.read(100_000)


class Inspector(Client):
    """Takes stock of the store: everything in it must be ours, whole, with the right owner and rights, and nothing that was
    committed may be missing. What a fault has put there, `artefacts` by path with inode number, is left out."""

    SHARD = re.compile(r"[0-9a-f]{2}")

    def __init__(self, runner: Runner, artefacts: dict[Path, int], seed: str) -> None:
        super().__init__(runner, f"{seed} inspector", 0.4)
        self.artefacts = artefacts
        self.of_others: set[Path] = set()  # whose owner and rights a fault has changed
        self.owner = owner_id()
        self.by_name = {domain.name: domain for domain in runner.testbed.domains}
        self.inspected = 0

    def turn(self) -> None:
        with self.testbed.store_lock:
            self.take_stock()

    def take_stock(self) -> None:
        for stamp in STORE.glob(".due-damaged-*"):  # what is told once a day is to be heard every time
            with contextlib.suppress(OSError):
                stamp.unlink()
        for name, domain in self.by_name.items():
            self.check_entry(domain, STORE / entry.shard_of(name) / name)
        for item in sorted(STORE.iterdir()):
            if item.name.startswith("."):
                self.check_file(item)
            elif self.is_artefact(item):
                continue
            elif not item.is_dir() or item.is_symlink() or not self.SHARD.fullmatch(item.name):
                self.stray(item, "does not belong here")
            else:
                self.check_folder(item)

    def check_folder(self, folder: Path) -> None:
        self.check_rights(folder, 0o755)
        for file in sorted(folder.iterdir()):
            known = file.name in self.by_name or strangers.owns(file.name)
            if not file.name.startswith(".") and (not known or entry.shard_of(file.name) != folder.name):
                self.stray(file, "is no domain that was asked about")
            self.check_file(file)

    def check_entry(self, domain: Domain, file: Path) -> None:
        ticket = self.oracle.ticket(domain)
        try:
            stored = None if self.is_artefact(file) else entry.read(beginning(file), domain.name)
        except FileNotFoundError:
            stored = None
        except entry.Damaged as damage:
            return None if self.is_artefact(file) else self.lost(file.name, f"its entry is damaged: {damage}")
        self.inspected += 1
        version = next((one for one in list(domain.versions.values()) if stored and one.text() == stored.body), None)
        if stored and not version:
            return self.lost(file.name, f"its entry holds a policy that was never published: {stored}")
        number, expires = (version.number, stored.fetched + version.max_age) if stored and version else (0, UNKNOWN)
        problem = self.oracle.see_stored(ticket, number, expires)
        return self.lost(file.name, problem) if problem else None

    def check_file(self, file: Path) -> None:
        if self.is_artefact(file) or file in self.of_others:
            return None
        try:
            status = file.lstat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return self.stray(file, "is not a regular file")
        return self.check_rights(file, 0o600 if file.name.startswith(".") else 0o644)

    def check_rights(self, item: Path, least: int) -> None:
        try:
            status = item.lstat()
        except FileNotFoundError:
            return
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != self.owner or mode & 0o022 or mode & least != least:
            self.stray(item, f"belongs to {status.st_uid} and has mode {mode:o}")

    def is_artefact(self, item: Path) -> bool:
        try:
            return self.artefacts.get(item) == item.lstat().st_ino
        except FileNotFoundError:
            return True

    def stray(self, item: Path, text: str) -> None:
        self.runner.report.found("stray", self.runner.faults(time.monotonic() - 1), f"{item} {text}")

    def lost(self, name: str, text: str) -> None:
        self.runner.report.found("lost", self.runner.faults(time.monotonic() - 1, name), f"{name}: {text}")
