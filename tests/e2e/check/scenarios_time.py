"""What only time shows: a policy host that takes a minute, and what an earlier check saw of the domain."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from case import expect_findings, good
from checked_world import APART, STATE, check
from framework import expect, scenario
from world import World

DAY = 86400
TIMES = ("first-seen", "last-seen", "mode-since", "held-until")

APART.append(good("kept.test"))
APART.append(good("keptnone.test", mode="none"))
APART.append(good("kepttesting.test", mode="testing"))


def look(name: str, *findings: str) -> dict[str, Any]:
    """The report of one check more, which must have these findings and no others."""
    report: dict[str, Any] = json.loads(check("--json", name).stdout)
    expect_findings(report, *findings)
    return report


def pass_time(name: str, days: int) -> None:
    """Everything that is known of the domain was seen so much earlier."""
    file = STATE / name
    pairs = [line.split(" ", 1) for line in file.read_text(encoding="ascii").splitlines()]
    lines = [f"{key} {int(value) - days * DAY if key in TIMES else value}\n" for key, value in pairs]
    file.write_text("".join(lines), encoding="ascii")


def unknown_before(name: str) -> None:
    (STATE / name).unlink(missing_ok=True)


@scenario("an answer after more than a minute: host-slow critical")
def minute(world: World) -> None:
    unknown_before("minute.test")
    # With the default of 60 s nothing of it is seen; with more the file is there, and too late all the same.
    with subprocess.Popen(["mtasts", "check", "--json", "minute.test"], stdout=subprocess.PIPE, text=True) as impatient:
        configuration = Path("/srv/patient.toml")
        configuration.write_text("[fetch]\ntimeout_s = 90\n", encoding="ascii")
        patient = subprocess.run(["mtasts", "--config", str(configuration), "check", "--json", "minute.test"], capture_output=True, text=True,
                                 check=False, timeout=100)
        told, _ = impatient.communicate(timeout=100)
    expect_findings(json.loads(told), "host-slow c")
    report = json.loads(patient.stdout)
    expect_findings(report, "host-slow c")
    expect(report["policy"]["valid"] is True, "the patient one has the policy")


@scenario("a policy that was changed without its id: id-stale")
def stale(world: World) -> None:
    unknown_before("kept.test")
    look("kept.test")
    world.publish("kept.test", max_age=3000000)
    look("kept.test", "id-stale c")
    look("kept.test", "id-stale c")
    world.publish("kept.test", max_age=3000000, record='_mta-sts TXT "v=STSv1; id=2;"')
    look("kept.test")


@scenario("a record that went before its max_age was over: removed-early, and no longer when it is over")
def record_gone(world: World) -> None:
    unknown_before("kept.test")
    look("kept.test")
    world.publish("kept.test", record="")
    report = look("kept.test", "record-absent w", "removed-early c")
    expect(report["exit"] == 2, "critical")
    told = " ".join(check("kept.test").stdout.split())
    expect("senders that hold the earlier policy apply it until" in told, f"those that hold it are told of: {told}")
    pass_time("kept.test", 29)
    look("kept.test", "record-absent w", "removed-early c")
    pass_time("kept.test", 2)
    look("kept.test", "record-absent w")


@scenario("a policy host that went before its max_age was over: removed-early beside host-no-address")
def host_gone(world: World) -> None:
    unknown_before("kept.test")
    look("kept.test")
    world.publish("kept.test", address="")
    look("kept.test", "host-no-address c", "removed-early c")
    world.publish("kept.test", address="mta-sts CNAME gone.mx.test.")
    look("kept.test", "record-cname-dangling c", "removed-early c")


@scenario("a policy with mode none, or one that was never seen, is not missed")
def not_missed(world: World) -> None:
    for name, findings in {"keptnone.test": ["policy-mode-none i"], "kept.test": []}.items():
        unknown_before(name)
        if findings:
            look(name, *findings)
        world.publish(name, record="")
        look(name, "record-absent w")


@scenario("mode testing for more than ninety days: policy-testing becomes a warning")
def long_testing(world: World) -> None:
    unknown_before("kepttesting.test")
    look("kepttesting.test", "policy-testing i")
    pass_time("kepttesting.test", 89)
    look("kepttesting.test", "policy-testing i")
    pass_time("kepttesting.test", 2)
    report = look("kepttesting.test", "policy-testing w")
    expect(report["exit"] == 1, "a warning")
    world.publish("kepttesting.test", mode="enforce", record='_mta-sts TXT "v=STSv1; id=2;"')
    look("kepttesting.test")
    world.publish("kepttesting.test", mode="testing", record='_mta-sts TXT "v=STSv1; id=3;"')
    look("kepttesting.test", "policy-testing i")
