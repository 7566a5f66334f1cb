"""One broken or legal domain, with exactly the findings that it must have: a false alarm is a defect as much as a miss."""

from __future__ import annotations

from checked_world import CASES, Case, Checked, CheckedWorld
from framework import expect, scenario
from topology import GOOD
from world import World


def case(what: str, domain: Checked, *findings: str) -> None:
    """`findings` are "code severity"; a severity of one letter: i, w, c, u."""
    severities = {"i": "info", "w": "warning", "c": "critical", "u": "unknown"}
    wanted = sorted((code, severities[letter]) for code, letter in (finding.split() for finding in findings))
    CASES[domain.name] = Case(domain, wanted)

    @scenario(f"{what}: {', '.join(findings) or 'no finding'}")
    def look(world: World) -> None:
        assert isinstance(world, CheckedWorld)
        report = world.report(domain.name)
        found = sorted((finding["code"], finding["severity"]) for finding in report["findings"])
        told = "; ".join(f"{finding['code']} {finding['subject']}: {finding['message']}" for finding in report["findings"])
        expect(found == wanted, f"{domain.name} should have {wanted} and has {found} ({told})")


def good(name: str, **more: object) -> Checked:
    """A domain in order, but for what is said."""
    return Checked(name, **{"mx": (GOOD,), **more})  # type: ignore[arg-type]
