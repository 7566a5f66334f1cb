"""What is true in the soak's small internet: which domain publishes what, and what it published before.

Every version of a policy has MX patterns of its own, so that an answer shows which version it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

WEEK = 604_800
YEAR = 31_557_600  # the longest max_age there is: more than 365 days
SHORT = 90


class Kind(Enum):
    """Domains by what they publish; the number is how many of them there are."""

    STEADY = ("steady", 12)  # enforce, never changed
    MOVING = ("moving", 14)  # a new version every now and then, in changing modes
    YEARLY = ("yearly", 4)  # enforce with the longest max_age: a clock that is a year ahead does not end it
    BRIEF = ("brief", 4)  # enforce with a max_age of 90 s: it does end
    FRESH = ("fresh", 24)  # enforce; the mail server asks for it only where nothing is cached of it
    TESTING = ("testing", 3)
    LEAVING = ("leaving", 2)  # mode none
    ABSENT = ("absent", 8)  # no record
    BAD_RECORD = ("badrecord", 2)
    BAD_POLICY = ("badpolicy", 3)
    UNTRUSTED = ("untrusted", 3)  # the policy host's certificate is not to be believed
    CLOSED = ("closed", 2)  # nobody listens at the policy host
    SILENT = ("silent", 2)  # the policy host takes the connection and says nothing

    @property
    def word(self) -> str:
        return self.value[0]

    @property
    def count(self) -> int:
        return self.value[1]

    @property
    def has_policy(self) -> bool:
        return self in (Kind.STEADY, Kind.MOVING, Kind.YEARLY, Kind.BRIEF, Kind.FRESH, Kind.TESTING, Kind.LEAVING)

    @property
    def max_age(self) -> int:
        return {Kind.YEARLY: YEAR, Kind.BRIEF: SHORT}.get(self, WEEK)


MOVES = ("enforce", "enforce", "testing", "enforce", "none")  # the modes of a moving domain's versions, in turn


@dataclass(frozen=True)
class Version:
    """One policy of one domain. The record id that announces it is its number."""

    domain: str
    number: int
    mode: str
    max_age: int

    @property
    def mx(self) -> tuple[str, ...]:
        return (f"v{self.number}.mx.{self.domain}", f"*.v{self.number}.{self.domain}")

    def lines(self) -> list[str]:
        return ["version: STSv1", f"mode: {self.mode}", *(f"mx: {pattern}" for pattern in self.mx), f"max_age: {self.max_age}"]

    def text(self) -> str:
        return "".join(f"{line}\r\n" for line in self.lines())


@dataclass
class Domain:
    """`versions` holds all that was ever published, by number; empty where there is no policy to be found."""

    name: str
    kind: Kind
    versions: dict[int, Version] = field(default_factory=dict)

    @property
    def current(self) -> Version:
        return self.versions[max(self.versions)]

    def next_version(self) -> Version:
        number = max(self.versions, default=0) + 1
        mode = {Kind.MOVING: MOVES[(number - 1) % len(MOVES)], Kind.TESTING: "testing", Kind.LEAVING: "none"}.get(self.kind, "enforce")
        return Version(self.name, number, mode, self.kind.max_age)

    def version_of(self, mx: tuple[str, ...]) -> Version | None:
        """The version that has exactly these patterns."""
        return next((version for version in list(self.versions.values()) if version.mx == mx), None)


def all_domains() -> list[Domain]:
    domains = []
    for kind in Kind:
        for number in range(1, kind.count + 1):
            domain = Domain(f"{kind.word}{number}.test", kind)
            if kind.has_policy:
                domain.versions[1] = domain.next_version()
            domains.append(domain)
    return domains
