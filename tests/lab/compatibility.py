#!/usr/bin/python3
"""docs/compatibility.md, made of what ./dev matrix has seen.

    compatibility.py FOLDER DOCUMENT

DOCUMENT is written again: of a release of Debian that has no folder in FOLDER it keeps what it said. Each folder has mtasts_*.buildinfo of
the packages, results.SERVER of the end-to-end tests, autopkgtest with a line for each of those, and notes: lines by hand, where a run was not as
usual. What is missing there is "not run" in the document.
"""

from __future__ import annotations

import email.utils
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

SUITES = ("bookworm", "trixie", "sid")
PACKAGE_TESTS = Path(__file__).resolve().parents[2] / "packaging/debian/tests/control"
BUILT_WITH = {"g++": r"g\+\+-\d+", "libcurl": "libcurl4-openssl-dev", "OpenSSL": "libssl-dev", "GnuTLS": "libgnutls28-dev", "getdns": "libgetdns-dev",
              "libevent": "libevent-dev"}
SERVERS = {"exim4-daemon-heavy": "Exim heavy, by function", "exim4-daemon-light": "Exim light, by socket", "postfix": "Postfix", "sendmail-bin": "Sendmail",
           "opensmtpd": "OpenSMTPD"}
NOT_RUN = "not run"
LINE = re.compile(r"^(?P<title>.*) \((?P<package>\S+) (?P<version>\S+)\): (?P<passed>\d+) passed, (?P<failed>\d+) failed, (?P<skipped>\d+) skipped$", re.MULTILINE)


@dataclass(frozen=True)
class Limit:
    """What versions of a package from `first` up to, without, `end` do not check, although RFC 8461 wants it or users would expect it."""

    package: str
    text: str
    first: str = "0"
    end: str = "999"

    def applies(self, package: str, version: str) -> bool:
        return self.package == package and _numbers(self.first) <= _numbers(version) < _numbers(self.end)


# The guides say the same at length; the end-to-end tests hold it.
_ALIAS = "an MX name that is an alias: the certificate must name the alias, else mail waits"
LIMITS = (
    Limit("exim4-daemon-heavy", _ALIAS), Limit("exim4-daemon-light", _ALIAS),
    Limit("postfix", "that the policy lists the MX host: any host with a certificate for a host of the policy will do", end="3.10.5"),
    Limit("postfix", "that `*.` stands for one label only", end="3.10.5"),
    Limit("postfix", "that the name is in the subjectAltName, where the certificate has no DNS name there"),
    Limit("postfix", "TLSRPT of sessions", end="3.10"),
    Limit("sendmail-bin", "DANE", end="8.18"),
    Limit("sendmail-bin", "a smarthost's own policy; names of a policy beyond 220 characters; TLSRPT of sessions"),
    Limit("opensmtpd", "hosts that want SNI: mail to them waits", end="7"),
    Limit("opensmtpd", "DANE; with `probe = false` also not that the name is in the subjectAltName"),
)
GUIDES = {"exim4-daemon-heavy": "exim.md", "exim4-daemon-light": "exim.md", "postfix": "postfix.md", "sendmail-bin": "sendmail.md", "opensmtpd": "opensmtpd.md"}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


class Release:
    """What was seen of one release of Debian."""

    def __init__(self, folder: Path) -> None:
        self.info = _text(next(folder.glob("mtasts_*.buildinfo"), folder / "none"))
        self.results = "".join(_text(path) for path in sorted(folder.glob("results.*")))
        self.notes = _text(folder / "notes").splitlines()
        self.package_tests = dict(line.split(maxsplit=1) for line in _text(folder / "autopkgtest").splitlines())

    def built(self) -> str:
        """The version of the packages and the day."""
        version = re.search(r"^Version: (.+)$", self.info, re.MULTILINE)
        day = re.search(r"^Build-Date: (.+)$", self.info, re.MULTILINE)
        if not version or not day:
            return NOT_RUN
        return f"{version[1]}, {email.utils.parsedate_to_datetime(day[1]):%Y-%m-%d}"

    def had(self, pattern: str) -> str:
        """The version of a package in the build, without Debian's own part."""
        found = re.findall(rf"^ {pattern} \(= (?:\d+:)?([^-)]+)", self.info, re.MULTILINE)
        return max(found, key=_numbers) if found else "–"

    def cell(self, name: str) -> str:
        """In the row of this name."""
        if name == "packages":
            return self.built()
        if name in BUILT_WITH:
            return self.had(BUILT_WITH[name])
        return self.package_tests.get(name.strip("`"), NOT_RUN).strip()

    def servers(self) -> list[list[str]]:
        """A row for each build of a server that was run, and for one that was not."""
        rows = []
        for package, name in SERVERS.items():
            runs = [(found["version"], f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped")
                    for found in LINE.finditer(self.results) if found["package"] == package]
            for version, counts in runs or [("", NOT_RUN)]:
                limits = "; ".join(limit.text for limit in LIMITS if version and limit.applies(package, version))
                rows.append([f"[{name}]({GUIDES[package]})", version, counts, limits])
        return rows

    def remarks(self) -> list[str]:
        """What was left out and why, what passed only when it was run again, and the notes."""
        return self.notes + re.findall(r"^(?:skipped|unsteady): .+$", self.results, re.MULTILINE)


class Earlier:
    """What the document says of one release of Debian."""

    def __init__(self, document: str, suite: str) -> None:
        self._cells: dict[str, str] = {}
        self._rows: list[list[str]] = []
        column = 0
        for cells in (line[2:-2].split(" | ") for line in document.splitlines() if line.startswith("|")):
            if cells[-len(SUITES):] == list(SUITES):
                column = len(SUITES) - SUITES.index(suite)
            elif len(cells) == 1 + len(SUITES) and column:
                self._cells[cells[0]] = cells[-column]
            elif cells[0] == suite:
                self._rows.append(cells[1:])
        self._remarks = re.findall(rf"^- {suite}: (.+)$", re.sub(r"\n  (?=\S)", " ", document), re.MULTILINE)

    def cell(self, name: str) -> str:
        return self._cells.get(name, "–" if name in BUILT_WITH else NOT_RUN)

    def servers(self) -> list[list[str]]:
        return self._rows or [[f"[{name}]({GUIDES[package]})", "", NOT_RUN, ""] for package, name in SERVERS.items()]

    def remarks(self) -> list[str]:
        return self._remarks


def _wrapped(text: str) -> str:
    """A paragraph, or an item of a list, as the other documents have it."""
    return textwrap.fill(text, 120, subsequent_indent="  " if text.startswith("- ") else "", break_long_words=False, break_on_hyphens=False)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def document(folder: Path, earlier: str = "") -> str:
    releases: dict[str, Release | Earlier] = {suite: Release(folder / suite) if (folder / suite).is_dir() else Earlier(earlier, suite) for suite in SUITES}
    tests = re.findall(r"^Tests: *(\S+)", _text(PACKAGE_TESTS), re.MULTILINE)
    heads = ["", *SUITES]
    built, installed = ([[name, *(release.cell(name) for release in releases.values())] for name in names]
                        for names in (("packages", *BUILT_WITH), [f"`{test}`" for test in tests]))
    remarks = [_wrapped(f"- {suite}: {remark}") for suite, release in releases.items() for remark in release.remarks()]
    return "\n".join([
        "# Compatibility", "",
        _wrapped("What was seen by `./dev matrix`, which wrote this file: edit `tests/lab/compatibility.py` instead. Each release of Debian began as a "
                 "fresh root."), "",
        "## Packages built", "", *_table(heads, built), "",
        "## Packages installed", "",
        _wrapped("The tests in `packaging/debian/tests`, run by Debian's autopkgtest on a booted machine each, where apt installed the packages and a "
                 "mail server: `mtasts setup SERVER --apply`, a message that must arrive at the right MX host and one that an impostor must not get."), "",
        *_table(heads, installed), "",
        "## End-to-end tests", "",
        _wrapped("The programs of the packages, with the mail servers of the same release. What is \"not run\" is unknown. What is known of a failed "
                 "scenario is below the table; nobody should rely on it there before that is explained."), "",
        *_table(["", "server", "version", "scenarios", "what it cannot check"], [[suite, *row] for suite in SUITES for row in releases[suite].servers()]),
        *(["", *remarks] if remarks else []), ""])


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def main() -> None:
    place = Path(sys.argv[2])
    text = document(Path(sys.argv[1]), _text(place))
    fresh = place.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(place)


if __name__ == "__main__":
    main()
