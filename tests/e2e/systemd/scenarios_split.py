"""One package for each mail server: what each brings, what it does without the others, and what is said where one is missing."""

from __future__ import annotations

from clients import ANSWER, UNIX, ask_once
from computer import CONFIGURATION, Computer
from framework import expect, scenario
from store_entry import entry

ENGINES = {"openssl": "mtasts-engine-openssl", "gnutls": "mtasts-engine-gnutls"}


def cold_lookup(machine: Computer, domain: str) -> str:
    """Of a domain that is not cached, without DNS: the engine library is loaded, and the answer is that there is no policy."""
    return machine.run("mtasts", "query", domain, check=False)


@scenario("the command alone: it looks up, nothing of a mail server's is installed, and setup names the package that is missing")
def command_alone(machine: Computer) -> None:
    machine.install(machine.releases.this.of("mtasts", "mtasts-engine-openssl"))
    machine.cache("kept.test", entry("kept.test", "mx.kept.test"))
    expect("enforce" in machine.run("mtasts", "query", "kept.test"), "it should know the policy")
    machine.expect_active("mtasts-refresh.timer")
    machine.expect_verified()
    machine.expect_gone("/usr/sbin/mtastsd", "/usr/libexec/opensmtpd", "/usr/lib/*/mtasts/mtasts.so", "/lib/systemd/system/mtastsd*")
    for server, package in (("postfix", "mtastsd"), ("sendmail", "mtastsd"), ("opensmtpd", "mtasts-opensmtpd")):
        told = machine.run("mtasts", "setup", server, "--apply", check=False)
        expect(f"apt install {package}" in told, f"setup {server} should name {package}: {told}")


@scenario("either engine library is enough; where the chosen one or both are missing the error names the package, and mtastsd answers TEMP")
def engines(machine: Computer) -> None:
    parts = machine.releases.this.without(ENGINES["openssl"])
    machine.install(machine.releases.optional.of(ENGINES["gnutls"]))
    machine.install_and_enable(parts)
    machine.expect_verified()
    told = cold_lookup(machine, "one.test")
    expect("engine-" not in told, f"GnuTLS alone should do: {told}")
    machine.write(CONFIGURATION, "[engine]\ntls = \"openssl\"\n")
    told = cold_lookup(machine, "two.test")
    expect("engine-openssl.so" in told and "mtasts-engine-openssl" in told, f"what is missing should be named: {told}")
    machine.install(machine.releases.this.of(ENGINES["openssl"]))
    told = cold_lookup(machine, "three.test")
    expect("engine-" not in told, f"now it is there: {told}")
    machine.write(CONFIGURATION, "")
    machine.shell("rm /usr/lib/*/mtasts/engine-*.so; systemctl restart mtastsd.service")
    told = cold_lookup(machine, "four.test")
    expect("mtasts-engine-openssl" in told and "mtasts-engine-gnutls" in told, f"both should be named: {told}")
    expect(ask_once(machine, UNIX) == ANSWER, "what is cached needs no engine library")
    told = ask_once(machine, UNIX, "cold.test")
    expect(told.startswith("TEMP "), f"what is not cached waits for it: {told}")


@scenario("mtasts-exim: the module, an Exim that can load it, and a configuration that is not switched on")
def exim(machine: Computer) -> None:
    machine.install(machine.releases.this)
    expect("man8/mtasts-exim.8" in machine.run("dpkg", "-L", "mtasts"), "an Exim that asks mtastsd should have its manual page without mtasts-exim")
    machine.install(machine.releases.optional.of("exim4-daemon-heavy", "mtasts-exim"))
    machine.expect_gone("/etc/exim4", "/etc/mtasts")
    shipped = machine.run("dpkg", "-L", "mtasts-exim")
    expect("conf.d/router/150_mtasts" in shipped, f"the configuration should be there to be copied: {shipped}")
    machine.expect_verified()
    refused = machine.run("dpkg", "-r", "exim4-daemon-heavy", check=False)
    expect("mtasts-exim depends on exim4-daemon-heavy" in refused, f"an Exim that loads functions is needed: {refused}")


@scenario("installed again and again: every file is as the packages brought it; removed, none of them is left")
def verified(machine: Computer) -> None:
    machine.install(machine.releases.this)
    machine.install(machine.releases.optional)
    files = {line for line in machine.run("dpkg", "-L", *machine.ours).splitlines() if machine.path(line).is_file()}
    for release in (machine.releases.this, machine.releases.optional, machine.releases.this):
        machine.install(release)
        machine.expect_verified()
    machine.run("dpkg", "-r", *machine.ours)
    left = {line for line in files if machine.path(line).exists()}
    expect(not left, f"these should be gone: {left}")
