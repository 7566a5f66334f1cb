"""What the administrator sets: a missing module, exemptions, a broken configuration, a store that is not there."""

from __future__ import annotations

from pathlib import Path

from framework import expect, expect_contacts, expect_delivered, expect_logged, expect_waiting, scenario
from pki import Leaf
from mail_server import STORE
from exim_socket import SocketSender
from sender import PANIC_LOG, module
from topology import GOOD, IMPOSTOR, SELF_SIGNED, declare
from web import PolicyHost
from world import Domain, World

declare(Domain("partner.test", (SELF_SIGNED,), "enforce"))
declare(Domain("strict.test", (SELF_SIGNED,), "testing"))
declare(Domain("chosen.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("namedbycn.test", (IMPOSTOR,), "enforce", (GOOD,),
               host=PolicyHost("", leaf=Leaf("named-by-cn", common_name="mta-sts.namedbycn.test"))))
declare(Domain("ordinary.test", (IMPOSTOR,)))


def loads_module(world: World) -> bool:
    return not isinstance(world.sender, SocketSender)


def hidden_module(world: World) -> None:
    """Until the next reset()."""
    path = module()
    away = path.with_suffix(".away")
    path.rename(away)
    world.undo(lambda: away.rename(path))


@scenario("module missing: mail for everybody waits; MTASTS_IF_MISSING = deliver: delivered as before", loads_module)
def module_missing(world: World) -> None:
    hidden_module(world)
    for recipient in ("bob@chosen.test", "bob@ordinary.test"):
        expect_waiting(world.send(recipient), recipient)
    world.sender.set_macros("MTASTS_IF_MISSING = deliver\n")
    expect_delivered(world.send("eve@chosen.test"), "eve@chosen.test", IMPOSTOR)


@scenario("R30: TLS-Required: No is honoured, and not where the administrator says so")
def tls_required_no(world: World) -> None:
    wish = {"TLS-Required": "No"}
    expect_delivered(world.send("bob@partner.test", headers=wish), "bob@partner.test", SELF_SIGNED)
    expect_waiting(world.send("eve@partner.test"), "eve@partner.test")
    world.sender.set_macros("MTASTS_HONOUR_TLS_REQUIRED_NO = false\n")
    expect_waiting(world.send("joe@partner.test", headers=wish), "joe@partner.test")


@scenario("a partner with a broken policy is exempt, by Exim's macro or by mtasts.toml")
def exempt(world: World) -> None:
    expect_waiting(world.send("bob@partner.test"), "bob@partner.test")
    world.sender.set_macros("MTASTS_EXEMPT_DOMAINS = partner.test\n")
    expect_delivered(world.send("eve@partner.test"), "eve@partner.test", SELF_SIGNED)
    world.reset()
    world.sender.set_module_configuration('[[policy.override]]\ndomain = "partner.test"\nmode = "none"\n')
    expect_delivered(world.send("joe@partner.test"), "joe@partner.test", SELF_SIGNED)


@scenario("a testing policy is enforced where mtasts.toml says so")
def stricter(world: World) -> None:
    world.sender.set_module_configuration('[[policy.override]]\ndomain = "strict.test"\nmode = "enforce"\n')
    expect_waiting(world.send("bob@strict.test"), "bob@strict.test")


@scenario("broken mtasts.toml: mail waits, the log names file, line and key, Exim lives")
def broken_configuration(world: World) -> None:
    world.sender.set_module_configuration("[dns]\n\ntransport = \"carrier pigeon\"\n")
    story = world.send("bob@chosen.test")
    expect_waiting(story, "bob@chosen.test")
    told = "\n".join([*story.log, *story.syslog, panic_log()])
    expect("mtasts.toml" in told and "transport" in told and "3" in told and "tcp" in told,
           "file, line 3, key and the allowed values should be told", story)
    world.sender.set_module_configuration("")
    expect_delivered(world.queue_run(), "bob@chosen.test", GOOD, verified=True)


@scenario("functions called wrongly: an expansion error that names the function and its usage", loads_module)
def wrong_arguments(world: World) -> None:
    for call in ("{mta_sts_route}", "{mta_sts_route}{a.test}{1rXyz0-000000001Ab-2Cde}{b.test}", "{mta_sts_mode}", "{mta_sts_event}{too}{few}"):
        told = world.sender.exim("-be", f"${{dlfunc{{{module()}}}{call}}}")
        function = call.split("}")[0].strip("{")
        expect("Failed" in told and f"{function}: usage" in told, f"{call} should fail and tell its usage, and said: {told.strip()}")


@scenario("mta_sts_mode tells the mode by hand")
def mode_by_hand(world: World) -> None:
    for domain, mode in {"chosen.test": "enforce", "strict.test": "testing", "ordinary.test": "none"}.items():
        told = world.sender.mode_of(domain).strip()
        expect(told == mode, f"{domain} should be {mode} and is {told!r}")
    told = world.sender.exim("-bt", "bob@chosen.test")
    expect(GOOD in told and IMPOSTOR not in told, f"exim -bt should show {GOOD} alone, and showed: {told}")


def engine(tls: str) -> None:
    @scenario(f"the {tls} engine in Exim: a policy host proves its name by SAN, never by Common Name")
    def works(world: World) -> None:
        world.sender.set_module_configuration(f'[engine]\ntls = "{tls}"\n')
        expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
        story = world.send("bob@namedbycn.test")
        expect_delivered(story, "bob@namedbycn.test", IMPOSTOR)
        expect_logged(story, "namedbycn.test", "sts-webpki-invalid")


for library in ("openssl", "gnutls"):
    engine(library)


@scenario("mail handed in by an ordinary user is protected, and what was learned belongs to _mtasts")
def ordinary_user(world: World) -> None:
    story = world.send("bob@chosen.test", user="alice")
    expect_delivered(story, "bob@chosen.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])
    owners = {file.owner() for file in STORE.rglob("*chosen.test*")}
    expect(owners == {"_mtasts"}, f"the entry should belong to _mtasts and belongs to {owners}")


@scenario("store missing or not a directory: lookups go on, warned about")
def no_store(world: World) -> None:
    away = STORE.with_name("mtasts.away")
    STORE.rename(away)
    world.undo(lambda: (STORE.unlink(missing_ok=True), away.rename(STORE)))
    for breakage in (lambda: None, STORE.touch):
        breakage()
        world.sender.set_module_configuration("")  # mtastsd warns once an hour
        story = world.send("bob@chosen.test")
        expect_delivered(story, "bob@chosen.test", GOOD, verified=True)
        expect_contacts(story, [GOOD])
        expect_logged(story, str(STORE))


@scenario("damaged and foreign files in the store are no policy and no crash")
def damaged_store(world: World) -> None:
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
    entries = [file for file in STORE.rglob("*chosen.test*") if file.is_file()]
    expect(len(entries) == 1, f"one entry should be cached, there are {entries}")
    for damage in (b"", b"\0" * 1000, b"x" * 3_000_000, entries[0].read_bytes()[:-20]):
        entries[0].write_bytes(damage)
        story = world.send("bob@chosen.test")
        expect_delivered(story, "bob@chosen.test", GOOD, verified=True)
        expect_contacts(story, [GOOD])
    entries[0].unlink()
    entries[0].symlink_to("/etc/passwd")
    expect_delivered(world.send("bob@chosen.test"), "bob@chosen.test", GOOD, verified=True)
    expect("root:" in Path("/etc/passwd").read_text(encoding="utf-8"), "what a link points to must not be written")


def panic_log() -> str:
    return PANIC_LOG.read_text(encoding="utf-8") if PANIC_LOG.exists() else ""
