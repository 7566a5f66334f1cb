"""One broken or legal domain, with exactly the findings that it must have: a false alarm is a defect as much as a miss."""

from __future__ import annotations

from typing import Any

from checked_world import CASES, Case, Checked, CheckedWorld, Findings, findings_of
from framework import expect, scenario
from topology import GOOD
from world import World


SEVERITIES = {"i": "info", "w": "warning", "c": "critical", "u": "unknown"}


def spelled_out(*findings: str) -> Findings:
    """`findings` are "code severity"; a severity of one letter: i, w, c, u."""
    return sorted((code, SEVERITIES[letter]) for code, letter in (finding.split() for finding in findings))


def expect_findings(report: dict[str, Any], *findings: str) -> None:
    """These and no others."""
    found, wanted = findings_of(report), spelled_out(*findings)
    told = "; ".join(f"{finding['code']} {finding['subject']}: {finding['message']}" for finding in report["findings"])
    expect(found == wanted, f"{report['domain']} should have {wanted} and has {found} ({told})")


def case(what: str, domain: Checked, *findings: str) -> None:
    """`findings` as in spelled_out()."""
    CASES[domain.name] = Case(domain, spelled_out(*findings))

    @scenario(f"{what}: {', '.join(findings) or 'no finding'}")
    def look(world: World) -> None:
        assert isinstance(world, CheckedWorld)
        expect_findings(world.report(domain.name), *findings)


def good(name: str, **more: object) -> Checked:
    """A domain in order, but for what is said."""
    return Checked(name, **{"mx": (GOOD,), **more})  # type: ignore[arg-type]
