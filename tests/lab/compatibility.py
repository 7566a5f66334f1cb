#!/usr/bin/python3
"""docs/compatibility.md, made of what ./dev matrix has seen.

    compatibility.py FOLDER     the document goes to standard output

FOLDER has a folder for each release of Debian that was tested: mtasts_*.buildinfo of its packages, results.SERVER of the end-to-end
tests, autopkgtest with a line for each of those, and notes: lines by hand, where a run was not as usual. What is missing there is "not run" in the document.
"""

from __future__ import annotations

import email.utils
import re
import sys
from dataclasses import dataclass
from pathlib import Path

SUITES = ("bookworm", "trixie", "sid")
PACKAGE_TESTS = Path(__file__).resolve().parents[2] / "packaging/debian/tests/control"
BUILT_WITH = {"g++": r"g\+\+-\d+", "libcurl": "libcurl4-openssl-dev", "OpenSSL": "libssl-dev", "GnuTLS": "libgnutls28-dev", "getdns": "libgetdns-dev",
              "libevent": "libevent-dev"}
SERVERS = {"exim4-daemon-heavy": "Exim heavy, by function", "exim4-daemon-light": "Exim light, by socket", "postfix": "Postfix", "sendmail-bin": "Sendmail",
           "opensmtpd": "OpenSMTPD"}
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
            return "not run"
        return f"{version[1]}, {email.utils.parsedate_to_datetime(day[1]):%Y-%m-%d}"

    def had(self, pattern: str) -> str:
        """The version of a package in the build, without Debian's own part."""
        found = re.findall(rf"^ {pattern} \(= (?:\d+:)?([^-)]+)", self.info, re.MULTILINE)
        return max(found, key=_numbers) if found else "–"

    def package_test(self, name: str) -> str:
        return self.package_tests.get(name, "not run").strip()

    def servers(self, package: str) -> list[tuple[str, str]]:
        """Version and counts of each build of the package that was run."""
        return [(found["version"], f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped")
                for found in LINE.finditer(self.results) if found["package"] == package]

    def remarks(self) -> list[str]:
        """What was left out and why, what passed only when it was run again, and the notes."""
        return self.notes + re.findall(r"^(?:skipped|unsteady): .+$", self.results, re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def document(folder: Path) -> str:
    releases = {suite: Release(folder / suite) for suite in SUITES}
    tests = re.findall(r"^Tests: *(\S+)", _text(PACKAGE_TESTS), re.MULTILINE)
    heads = ["", *SUITES]
    built = [["packages", *(release.built() for release in releases.values())],
             *([name, *(release.had(pattern) for release in releases.values())] for name, pattern in BUILT_WITH.items())]
    installed = [[f"`{test}`", *(release.package_test(test) for release in releases.values())] for test in tests]
    remarks = [f"- {suite}: {remark}" for suite, release in releases.items() for remark in release.remarks()]
    return "\n".join([
        "# Compatibility", "",
        "What was seen by `./dev matrix`, which wrote this file: edit `tests/lab/compatibility.py` instead. Each release of Debian began as a fresh root.", "",
        "## Packages built", "", *_table(heads, built), "",
        "## Packages installed", "",
        "The tests in `packaging/debian/tests`, run by Debian's autopkgtest on a booted machine each, where apt installed the packages and a mail server: "
        "`mtasts setup SERVER --apply`, a message that must arrive at the right MX host and one that an impostor must not get.", "",
        *_table(heads, installed), "",
        "## End-to-end tests", "",
        "The programs of the packages, with the mail servers of the same release.", "",
        *_table(["", "server", "version", "scenarios", "what it cannot check"], [row for suite in SUITES for row in _server_rows(suite, releases[suite])]),
        *(["", *remarks] if remarks else []), ""])


def _server_rows(suite: str, release: Release) -> list[list[str]]:
    rows = []
    for package, name in SERVERS.items():
        for version, counts in release.servers(package) or [("", "not run")]:
            limits = "; ".join(limit.text for limit in LIMITS if version and limit.applies(package, version))
            rows.append([suite, f"[{name}]({GUIDES[package]})", version, counts, limits])
    return rows


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


if __name__ == "__main__":
    print(document(Path(sys.argv[1])), end="")
