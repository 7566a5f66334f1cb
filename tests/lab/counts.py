"""Adds up test results for ./dev test.

counts.py junit NAME FILE [AGAIN]   one line "NAME: N passed, N failed, N skipped" from a JUnit file of ctest; AGAIN is that
                                    of a second run of those that failed. A whole program of googletest's counts as its tests
counts.py line NAME FILE            the same from a file that holds "N passed, N failed, N skipped"
counts.py total FILE                the sum of such lines; exit 1 if anything failed or nothing ran

What was skipped and why follows its line as "skipped: WHAT: REASON" and the sum is preceded by them, one reason once;
what failed and passed when it was run again by itself, as "unsteady: WHAT"; what failed twice, as "failed: WHAT: WHY".
A missing or unreadable result counts as one failure: a test program that died must not pass.
"""

import re
import sys
import xml.etree.ElementTree
from pathlib import Path

SKIPPED = "skipped: "
UNSTEADY = "unsteady: "
FAILED = "failed: "
LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")
PROGRAM = re.compile(r"^\[  (PASSED|SKIPPED) +\] (\d+) tests?[.,]", re.MULTILINE)
PROGRAM_SKIPPED = re.compile(r"^(\S+):\d+: Skipped\n(.*)", re.MULTILINE)
PROGRAM_FAILED = re.compile(r"^\[  FAILED  \] (\w\S*\.\S+?)(?:, where .*| \(\d+ ms\))?$", re.MULTILINE)


def text(counts: tuple[int, int, int]) -> str:
    return "{} passed, {} failed, {} skipped".format(*counts)


def cases_of(path: Path) -> dict[str, xml.etree.ElementTree.Element]:
    return {str(case.get("name")): case for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase")}


def output_of(case: xml.etree.ElementTree.Element) -> str:
    return case.findtext("system-out") or ""


def failed_in(case: xml.etree.ElementTree.Element) -> list[str]:
    return list(dict.fromkeys(PROGRAM_FAILED.findall(output_of(case))))


def counts_of(case: xml.etree.ElementTree.Element) -> tuple[int, int, int]:
    """Of one test of ctest, or of the tests of a whole program. One that died before it could count them is a failure."""
    failed = case.get("status") == "fail"
    told = dict(PROGRAM.findall(output_of(case)))
    if "SKIPPED" in told or ("PASSED" in told and told["PASSED"] != "1"):
        return int(told.get("PASSED", 0)), max(len(failed_in(case)), int(failed)), int(told.get("SKIPPED", 0))
    skipped = not failed and case.get("status") != "run"
    return int(not failed and not skipped), int(failed), int(skipped)


def from_junit(path: Path, second: Path | None, again: set[str]) -> tuple[int, int, int]:
    cases = cases_of(path)
    if second is not None and again:
        cases |= {name: case for name, case in cases_of(second).items() if name in again}
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *map(counts_of, cases.values())))
    return passed, failed, skipped


def names_of_failed(path: Path) -> set[str]:
    cases = xml.etree.ElementTree.parse(path).getroot().iter("testcase")
    return {str(case.get("name")) for case in cases if case.get("status") == "fail"}


def unsteady(path: Path, again: Path) -> set[str]:
    """The tests that failed, and passed in a second run."""
    if not again.exists():
        return set()
    try:
        failed = names_of_failed(path)
        passed = {case.get("name") for case in xml.etree.ElementTree.parse(again).getroot().iter("testcase") if case.get("status") == "run"}
    except (OSError, xml.etree.ElementTree.ParseError):
        return set()
    return failed & {str(name) for name in passed}


def from_lines(path: Path) -> list[tuple[int, int, int]]:
    return [(int(passed), int(failed), int(skipped)) for passed, failed, skipped in LINE.findall(path.read_text())]


def read(kind: str, path: Path, second: Path | None, again: set[str]) -> tuple[int, int, int]:
    try:
        return from_junit(path, second, again) if kind == "junit" else from_lines(path)[-1]
    except (OSError, IndexError, xml.etree.ElementTree.ParseError):
        return 0, 1, 0


def remarks(kind: str, path: Path, again: set[str]) -> list[str]:
    """The lines "skipped: WHAT: REASON", "unsteady: WHAT" and "failed: WHAT"."""
    try:
        if kind == "line":
            return [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith((SKIPPED, UNSTEADY, FAILED))]
        cases = cases_of(path)
        skipped = [f"{SKIPPED}{name}: {reason_of(case)}" for name, case in cases.items() if case.find("skipped") is not None]
        for case in cases.values():
            if case.find("skipped") is None:
                skipped += [f"{SKIPPED}{Path(file).stem}: {reason}" for file, reason in PROGRAM_SKIPPED.findall(output_of(case))]
        failed = [FAILED + " ".join([name, *failed_in(cases[name])]) for name in sorted(names_of_failed(path) - again)]
        return skipped + [UNSTEADY + name for name in sorted(again)] + failed
    except (OSError, xml.etree.ElementTree.ParseError):
        return []


def reason_of(case: xml.etree.ElementTree.Element) -> str:
    """What the test said last: googletest tells the reason of GTEST_SKIP() below the place of it."""
    said = [line.strip() for line in output_of(case).splitlines()]
    said = [line for line in said if line and not line.startswith("[")]
    return said[-1].removeprefix(SKIPPED) if said else "it does not say why"


def by_reason(lines: list[str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith(SKIPPED):
            what, _, reason = line.removeprefix(SKIPPED).partition(": ")
            groups.setdefault(reason, []).append(what)
    return [f"skipped: {reason}:\n  " + "\n  ".join(dict.fromkeys(group)) for reason, group in groups.items()]


def main() -> int:
    kind, name = sys.argv[1:3]
    if kind in ("junit", "line"):
        path = Path(sys.argv[3])
        again = unsteady(path, Path(sys.argv[4])) if len(sys.argv) > 4 else set()
        second = Path(sys.argv[4]) if len(sys.argv) > 4 else None
        print("\n".join([f"{name}: {text(read(kind, path, second, again))}", *remarks(kind, path, again)]))
        return 0
    results = Path(name)
    lines = results.read_text(encoding="utf-8").splitlines()
    counted = [line for line in lines if not line.startswith((SKIPPED, FAILED))]
    failures = [line for line in lines if line.startswith(FAILED)]  # last: the end of a log is what is looked at
    print("\n".join(counted + by_reason(lines) + failures))
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *from_lines(results)))
    print(text((passed, failed, skipped)))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
