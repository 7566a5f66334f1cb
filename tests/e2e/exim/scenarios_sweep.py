"""Many processes on one store, and the rounds that keep it fresh (R17, R21)."""

from __future__ import annotations

import json
import subprocess
import time

from framework import expect, expect_contacts, expect_delivered, scenario
from topology import GOOD, IMPOSTOR, SECOND, declare
from web import Place, PolicyHost
from world import Domain, World

declare(Domain("crowded.test", (IMPOSTOR, GOOD), "enforce", (GOOD,),
               host=PolicyHost("", place=Place.RAW, behaviour="late")))  # most ask while the first one waits for its answer
declare(Domain("hourly.test", (IMPOSTOR, GOOD, SECOND), "enforce", (GOOD,), max_age=3600))  # always due: two hours are the limit

declare(Domain("denied.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), max_age=10))
declare(Domain("seconds.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), max_age=3))

CROWD = 500


def refresh(*domain: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mtasts", "cache", "refresh", *domain], capture_output=True, text=True, check=False)


@scenario("500 processes that ask for one cold domain cause one fetch, and all are told the policy")
def crowd(world: World) -> None:
    asked = [subprocess.Popen(["mtasts", "query", "crowded.test"], stdout=subprocess.PIPE, text=True) for _ in range(CROWD)]
    told = [process.communicate()[0] for process in asked]
    wrong = [text for text in told if not text.startswith("crowded.test: enforce\n")]
    expect(not wrong, f"all {CROWD} should be told that the policy is enforced, {len(wrong)} were not: {wrong[:1]}")
    requests = world.policy_requests("crowded.test")
    expect(requests == 1, f"the policy should have been fetched once and was {requests} times")


@scenario("R21: the refresh of a timer brings the new policy, without any mail")
def refreshed(world: World) -> None:
    story = world.send("bob@hourly.test")
    expect_delivered(story, "bob@hourly.test", GOOD, verified=True)
    world.publish("hourly.test", patterns=(SECOND,), record_id="2")
    result = refresh()
    expect(result.returncode == 0 and result.stdout == "refreshed 1 of 1 policy due, 1 in force, 0 forgotten\n",
           f"one line should tell that one policy was refreshed: {result.stdout}{result.stderr}")
    result = refresh("hourly.test", "--json")
    expect(result.returncode == 0 and json.loads(result.stdout)["refreshed"] == 1, f"JSON should tell the same: {result.stdout}{result.stderr}")
    result = refresh("ordinary.test", "--json")
    expect(result.returncode == 1 and json.loads(result.stdout)["reason"].startswith("there is nothing to refresh: ") and not result.stderr,
           f"JSON should tell that there is nothing to refresh: {result.stdout}{result.stderr}")
    world.stop_policy_hosts()
    story = world.send("bob@hourly.test")
    expect_delivered(story, "bob@hourly.test", SECOND, verified=True)
    expect_contacts(story, [SECOND])


@scenario("R21: a refresh that fails is told, and the policy stays in force")
def refresh_fails(world: World) -> None:
    expect_delivered(world.send("bob@hourly.test"), "bob@hourly.test", GOOD, verified=True)
    world.stop_policy_hosts()
    result = refresh()
    expect(result.returncode == 75 and "warning: the policy of hourly.test was not refreshed: sts-policy-fetch-error" in result.stderr,
           f"the failure should be told: {result.stdout}{result.stderr}")
    story = world.send("bob@hourly.test")
    expect_delivered(story, "bob@hourly.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("R21: a domain that has left is told of, and is no failure of the timer's job")
def one_has_left(world: World) -> None:
    for recipient in ("bob@hourly.test", "bob@crowded.test"):
        expect_delivered(world.send(recipient), recipient, GOOD, verified=True)
    world.publish("hourly.test", record_id="")
    world.stop_policy_hosts()
    result = refresh()
    expect(result.returncode == 0 and "hourly.test was not refreshed: the domain has no MTA-STS record any more; sts-policy-fetch-error"
           in result.stderr,
           f"the domain should be told of and the command succeed: {result.returncode} {result.stdout}{result.stderr}")


# A life of ten seconds stands for the days of a real policy: each way of keeping the record away lasts longer than one.
@scenario("R17, R21: an attacker who keeps the record away for longer than a policy's life cannot let it expire")
def record_denied(world: World) -> None:
    world.sender.set_module_configuration("[dns]\ntimeout_s = 1\nmin_ttl_s = 0\n")
    expect_delivered(world.send("bob@denied.test"), "bob@denied.test", GOOD, verified=True)
    for how in ("always_nxdomain", "refuse", "deny"):
        world.block_record("denied.test", how)
        end = time.monotonic() + 13
        while time.monotonic() < end:
            result = refresh()
            expect(result.stdout == "refreshed 1 of 1 policy due, 1 in force, 0 forgotten\n",
                   f"{how}: the policy should be refreshed: {result.stdout}{result.stderr}")
            time.sleep(1)
        story = world.send("bob@denied.test")
        expect_delivered(story, "bob@denied.test", GOOD, verified=True)
        expect_contacts(story, [GOOD])
        world.start_again()
    world.block_record("denied.test", "always_nxdomain")
    world.stop_policy_hosts()
    time.sleep(11)
    expect_delivered(world.send("bob@denied.test"), "bob@denied.test", IMPOSTOR)  # R22: nothing renewed it


@scenario("R22: a policy that lives for seconds is fetched again with the first mail after its expiry")
def lives_for_seconds(world: World) -> None:
    for _ in range(3):
        before = world.policy_requests("seconds.test")
        story = world.send("bob@seconds.test")
        expect_delivered(story, "bob@seconds.test", GOOD, verified=True)
        expect_contacts(story, [GOOD])
        expect(world.policy_requests("seconds.test") > before, "the policy should have been fetched", story)
        time.sleep(3.1)


@scenario("A domain that is named and has no record: its policy is refreshed; without one there is nothing to refresh, exit code 1")
def nothing_to_refresh(world: World) -> None:
    expect_delivered(world.send("bob@hourly.test"), "bob@hourly.test", GOOD, verified=True)
    world.publish("hourly.test", record_id="")
    sentence = "mtasts: there is nothing to refresh: hourly.test has no MTA-STS record"
    result = refresh("hourly.test")
    expect(result.returncode == 0 and result.stdout == "refreshed 1 of 1 policy due, 1 in force, 0 forgotten\n",
           f"the policy should be refreshed without a record: {result.returncode} {result.stdout}{result.stderr}")
    subprocess.run(["mtasts", "cache", "purge", "hourly.test"], capture_output=True, check=True)
    result = refresh("hourly.test")
    expect(result.returncode == 1 and result.stderr == sentence + "\n", f"it should say so: {result.returncode} {result.stdout}{result.stderr}")
