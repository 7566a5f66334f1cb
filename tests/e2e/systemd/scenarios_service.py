"""mtastsd as its units run it: nobody who asks is left without an answer."""

from __future__ import annotations

import ctypes
import time

from clients import ANSWER, UNIX, Clients, ask_line, ask_once
from computer import CONFIGURATION, PATIENCE, STORE, Computer
from framework import expect, scenario
from process import wait_for
from store_entry import entry, shard

MISTAKE = "[dns]\ntransport = \"carrier pigeon\"\n"


@scenario("install: the timer runs, mtastsd does not until it is enabled, then it answers, also after a boot")
def installed(machine: Computer) -> None:
    machine.install(machine.releases.this)
    complaints = machine.run("systemd-analyze", "verify", "--man=no", "mtastsd.service", "mtastsd.socket", "mtasts-refresh.service", "mtasts-refresh.timer")
    expect(not complaints, f"systemd should have nothing to say of the units: {complaints}")
    machine.expect_active("mtasts-refresh.timer")
    expect(not machine.is_active("mtastsd.socket") and not machine.is_active("mtastsd.service"), "nobody enabled mtastsd")
    machine.install_and_enable(machine.releases.this)
    expect(ask_once(machine, UNIX) == ANSWER, f"it should answer, and says {ask_once(machine, UNIX)}")
    cold = ask_once(machine, UNIX, "cold.test")  # by a helper process: one that cannot be started would mean TEMP
    expect(cold == "NOTFOUND ", f"without DNS a domain that is not cached has no policy, and the answer is {cold}: {machine.journal('mtastsd.service')}")
    machine.run("mtasts", "ping", "--socket", f"unix:{UNIX}")
    rights = machine.run("stat", "-c", "%A %U %G", UNIX, "/run/mtasts").splitlines()
    expect(rights == ["srw-rw---- root _mtasts", "drwxrwxr-t root _mtasts"], f"the socket should be root's and the group's: {rights}")
    listening = machine.run("ss", "-Htln")
    expect("8461" not in listening, f"TCP is for who configures it: {listening}")
    machine.power_off()
    machine.boot()
    machine.expect_active("mtastsd.service", "mtastsd.socket", "mtasts-refresh.timer")
    expect(ask_once(machine, UNIX) == ANSWER, "it should answer after a boot")


@scenario("a local user who is in no group may not connect; one in the socket's group may")
def rights(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    ping = ["mtasts", "ping", "--socket", f"unix:{UNIX}"]
    refused = machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *ping, check=False)
    expect("may not connect" in refused, f"nobody should not get through, and gets: {refused}")
    machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=_mtasts", *ping)


@scenario("restarts under load: every question is answered, the socket stays the same")
def restarted(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    socket = machine.run("stat", "-c", "%i", UNIX)
    with Clients(machine, UNIX) as clients:
        for _ in range(5):
            before = machine.main_pid
            machine.run("systemctl", "restart", "mtastsd.service")
            clients.expect_progress()
            expect(machine.main_pid not in (0, before), "it should be another process")
    clients.expect_none_lost()
    expect(machine.run("stat", "-c", "%i", UNIX) == socket, "the socket should be the same one")


@scenario("kill -9 under load: systemd starts it again, every question is answered at the second attempt")
def killed(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    with Clients(machine, UNIX) as clients:
        for _ in range(3):
            before = machine.main_pid
            machine.shell(f"kill -KILL {before}")
            expect(wait_for(lambda: machine.main_pid not in (0, before), PATIENCE), "it should be started again")
            clients.expect_progress()
    clients.expect_none_lost()


@scenario("watchdog: a mtastsd that stands still is replaced")
def watchdog(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    expect(machine.show("mtastsd.service", "WatchdogUSec") == "1min", "the unit should have a watchdog")
    machine.drop_in("mtastsd.service", "[Service]\nWatchdogSec=2\n")
    machine.run("systemctl", "restart", "mtastsd.service")
    with Clients(machine, UNIX) as clients:
        before = machine.main_pid
        machine.shell(f"kill -STOP {before}")
        expect(wait_for(lambda: machine.main_pid not in (0, before), PATIENCE), "it should be replaced")
        clients.expect_progress()
    clients.expect_none_lost()
    expect("watchdog" in machine.journal("mtastsd.service").lower(), "the journal should tell of the watchdog")


@scenario("reload with a mistake in mtasts.toml: told with file and line, the configuration before it stays in force")
def bad_reload(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    with Clients(machine, UNIX) as clients:
        machine.write(CONFIGURATION, MISTAKE)
        machine.run("systemctl", "reload", "mtastsd.service")
        expect(wait_for(lambda: "mtasts.toml:2" in machine.journal("mtastsd.service"), PATIENCE),
               f"the journal should name the line: {machine.journal('mtastsd.service')}")
        clients.expect_progress()
        machine.write(CONFIGURATION, "")
        machine.run("systemctl", "reload", "mtastsd.service")
        clients.expect_progress()
    clients.expect_none_lost()


@scenario("restart with a mistake in mtasts.toml: who asks is told TEMP with the mistake at once, and the answer once it is fixed")
def bad_restart(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    machine.write(CONFIGURATION, MISTAKE)
    machine.run("systemctl", "restart", "mtastsd.service")
    begin = time.monotonic()
    told = ask_once(machine, UNIX)
    expect(told.startswith("TEMP ") and "mtasts.toml:2" in told, f"the answer should be TEMP with the mistake, and is {told}")
    expect(time.monotonic() - begin < 5, "the answer should come at once")
    machine.write(CONFIGURATION, "")
    expect(wait_for(lambda: ask_once(machine, UNIX) == ANSWER, PATIENCE), f"fixed, it should answer, and says {ask_once(machine, UNIX)}")


@scenario("a mistake in mtasts.toml where no socket waits: mtastsd ends with it, once, and runs when it is started after the fix")
def bad_start_without_socket(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    machine.run("systemctl", "disable", "--now", "mtastsd.socket", "mtastsd.service")
    machine.write(CONFIGURATION, MISTAKE)
    machine.run("systemctl", "start", "mtastsd.service", check=False)
    time.sleep(3)  # three times RestartSec
    told = {name: machine.show("mtastsd.service", name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")}
    expect(told == {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}, f"it should have ended for good: {told}")
    expect("mtasts.toml:2" in machine.journal("mtastsd.service"), "the journal should name the line")
    machine.write(CONFIGURATION, "")
    machine.run("systemctl", "start", "mtastsd.service")
    expect(ask_once(machine, UNIX) == ANSWER, "started after the fix, it should answer")


@scenario("both services are exposed by at most 2.0 (systemd-analyze security), and the lookup helper confines itself inside")
def confined(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    machine.write(CONFIGURATION, "[log]\nlevel = \"debug\"\n")
    machine.run("systemctl", "restart", "mtastsd.service")
    machine.expect_active("mtastsd.service")
    expect(ask_once(machine, UNIX) == ANSWER, "it should answer")
    helper = machine.shell("grep -l '^mtasts-lookup$' /proc/[0-9]*/comm").split("/")[2]
    of_daemon, of_helper = kernel_status(machine, str(machine.main_pid)), kernel_status(machine, helper)
    expect(of_helper["NoNewPrivs"] == "1" and int(of_helper["Seccomp_filters"]) == int(of_daemon["Seccomp_filters"]) + 1,
           f"the helper should have a filter of its own beside those of its unit: {of_helper}, {of_daemon}")
    machine.run("systemctl", "start", "mtasts-refresh.service")
    for unit in ("mtastsd.service", "mtasts-refresh.service"):
        machine.run("systemd-analyze", "security", "--no-pager", "--threshold=20", unit)  # fails above 2.0
        refused = [line for line in machine.journal(unit).splitlines() if "helper-not-confined" in line]
        expect(all('"Landlock"' in line and not has_landlock() for line in refused), f"{unit} should let the helper confine itself: {refused}")


def has_landlock() -> bool:
    """Whether the kernel can restrict access to files (landlock_create_ruleset(2) tells its version)."""
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1)) > 0


def kernel_status(machine: Computer, process: str) -> dict[str, str]:
    lines = machine.run("cat", f"/proc/{process}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@scenario("the refresh service runs by its timer, in its sandbox, and may write the store")
def refreshed(machine: Computer) -> None:
    machine.install(machine.releases.this)
    machine.cache("kept.test", entry("kept.test", "mx.kept.test"))
    machine.drop_in("mtasts-refresh.timer", "[Timer]\nOnCalendar=\nOnActiveSec=0\nRandomizedDelaySec=0\nAccuracySec=1us\n")
    machine.run("systemctl", "restart", "mtasts-refresh.timer")
    done = wait_for(lambda: machine.show("mtasts-refresh.service", "ExecMainExitTimestamp") != "", PATIENCE)
    expect(done, "the timer should have started it")
    expect(machine.show("mtasts-refresh.service", "Result") == "success", f"it should succeed: {machine.journal('mtasts-refresh.service')}")
    expect(machine.exists(f"{STORE}/.clock"), "what it found out about the clock should be written down")
    expect(machine.exists(f"{STORE}/{shard('kept.test')}/kept.test"), "the policy in force should stay")


PUBLISH = "mtasts-publish.service"


@scenario("publish: the timer's service of the guide; DNS that does not answer is no failure of it, a mistake in the list is one")
def published(machine: Computer) -> None:
    machine.install(machine.releases.this)
    machine.run("bash", "-ec", "cd /usr/share/doc/mtasts/examples/publish; cp mtasts-publish.{service,timer} /etc/systemd/system/; mkdir /etc/mtasts; cp domains.toml /etc/mtasts/")
    machine.run("systemctl", "enable", "--now", "mtasts-publish.timer")
    machine.expect_active("mtasts-publish.timer")
    machine.run("systemctl", "start", PUBLISH)
    expect((machine.show(PUBLISH, "ExecMainStatus"), machine.show(PUBLISH, "Result")) == ("75", "success"),
           f"nothing could be looked at, and it says: {machine.journal(PUBLISH)}")
    machine.write("/etc/mtasts/domains.toml", "[[domain]]\nnaem = \"example.com\"\n")
    machine.run("systemctl", "start", PUBLISH, check=False)
    expect(machine.show(PUBLISH, "Result") == "exit-code" and "naem" in machine.journal(PUBLISH), f"it should name the mistake: {machine.journal(PUBLISH)}")


EXIM = "/run/mtasts/exim.sock"
EXIM_UNIT = "mtastsd-exim.socket"


@scenario("Exim's socket: its unit is enabled by hand, it answers lines, stays through restarts and a boot, and goes with the unit")
def exim_socket(machine: Computer) -> None:
    machine.install_and_enable(machine.releases.this)
    expect(not machine.is_active(EXIM_UNIT), "nobody enabled it")
    refused = machine.run("mtasts", "ping", "--exim", "--timeout", "2", check=False)
    expect(EXIM in refused, f"ping should say that nobody listens there: {refused}")
    machine.shell("getent group Debian-exim >/dev/null || groupadd --system Debian-exim")
    complaints = machine.run("systemd-analyze", "verify", "--man=no", EXIM_UNIT)
    expect(not complaints, f"systemd should have nothing to say of the unit: {complaints}")
    machine.shell(f"systemctl enable {EXIM_UNIT}; systemctl stop mtastsd.service; systemctl start {EXIM_UNIT} mtastsd.service")
    machine.run("mtasts", "ping", "--exim")
    told = ask_line(machine, EXIM, "mode kept.test")
    expect(told == "OK enforce\n", f"a line should be answered with a line: {told}")
    rights = machine.run("stat", "-c", "%A %U %G", EXIM).strip()
    expect(rights == "srw-rw---- root Debian-exim", f"the socket should be root's and Exim's: {rights}")
    expect(ask_once(machine, UNIX) == ANSWER, "the socketmap should answer as before")
    inode = machine.run("stat", "-c", "%i", EXIM)
    machine.run("systemctl", "restart", "mtastsd.service")
    machine.run("mtasts", "ping", "--exim")
    expect(machine.run("stat", "-c", "%i", EXIM) == inode, "the socket should be the same one")
    machine.write(CONFIGURATION, MISTAKE)
    machine.run("systemctl", "restart", "mtastsd.service")
    told = machine.run("mtasts", "ping", "--exim", "--socket", f"unix:{EXIM}", check=False)
    expect("DEFER" in told and "out of service" in told, f"with a mistake in the configuration Exim is told to wait: {told}")
    machine.write(CONFIGURATION, "")
    machine.power_off()
    machine.boot()
    machine.run("mtasts", "ping", "--exim")
    machine.run("systemctl", "disable", "--now", EXIM_UNIT)
    machine.expect_gone(EXIM)
