"""A server that takes logins: nobody who has not logged in makes smtpd look a domain up (conf-examples/opensmtpd/submission.conf)."""

from __future__ import annotations

import smtplib
import ssl
import subprocess
import time
from typing import Callable

from framework import expect, expect_protected, scenario
from mail_server import HOME_DOMAIN, message
from opensmtpd import OWN_STORE, OpenSmtpd, opensmtpd
from topology import GOOD, IMPOSTOR, declare
from web import Place, PolicyHost
from world import Domain, World

SERVER = "192.0.2.25"  # as in the example
STRANGER = ("198.51.100.200", 0)  # no address of this machine's interfaces, so not "local" to smtpd
NAME = "mail.example.org"

declare(Domain("submitted.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("strange.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("trapped.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("early.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
# Each question about one of these takes wait_s, which is two seconds.
SLOW = {name: declare(Domain(f"{name}.test", (GOOD,), "enforce", host=PolicyHost("", place=Place.SILENT))) for name in ("slowtag", "slowtrap")}
HALF_WAIT = 1.0


def use_submission(server: OpenSmtpd, change: Callable[[str], str] = lambda text: text) -> None:
    """The example, and the files that it names."""
    subprocess.run(["ip", "address", "replace", f"{SERVER}/32", "dev", "lo"], check=True)
    key, certificate = server.root.path(f"/etc/ssl/private/{NAME}.key"), server.root.path(f"/etc/ssl/certs/{NAME}.pem")
    for path in (key, certificate):
        path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    password = server.root.run("smtpctl", "encrypt", "secret").strip()
    credentials = server.root.path("/etc/smtpd.credentials")
    credentials.write_text(f"alice {password}\n", encoding="ascii")
    server.use("submission.conf", change)


def serves_tls(world: World) -> bool:
    """Debian 12's smtpd 6.8 ends each TLS session that a client begins here with "EVP lib", whatever its key; the other scenarios run with it."""
    return opensmtpd(world).version >= (7,)


def without_tag(text: str) -> str:
    return text.replace("match tag SUB from any auth", "match from any auth")


def ask_as_stranger(recipient: str) -> tuple[int, float]:
    """The code that RCPT is answered with, and the seconds that it took."""
    with smtplib.SMTP(SERVER, timeout=60, source_address=STRANGER) as session:
        session.ehlo("stranger.example")
        session.mail("mallory@stranger.example")
        begin = time.monotonic()
        code, _ = session.rcpt(recipient)
        return code, time.monotonic() - begin


def is_known(server: OpenSmtpd, domain: str) -> bool:
    """A lookup of the domain left something in the store."""
    return any(server.root.path(OWN_STORE).glob(f"??/{domain}"))


@scenario("submission.conf, verbatim: a stranger's recipient is refused without a lookup")
def stranger(world: World) -> None:
    server = opensmtpd(world)
    use_submission(server)
    code, _ = ask_as_stranger("bob@strange.test")
    expect(code == 550, f"the recipient should be refused, and the answer was {code}")
    time.sleep(1)
    expect(not is_known(server, "strange.test"), "a stranger's question was looked up")


@scenario("submission.conf, verbatim: a stranger holds smtpd up for no lookup's time; without the tag he does")
def stall(world: World) -> None:
    server = opensmtpd(world)
    use_submission(server)
    code, seconds = ask_as_stranger(f"bob@{SLOW['slowtag'].name}")
    expect(code == 550 and seconds < HALF_WAIT, f"the recipient should be refused at once, and the answer was {code} after {seconds:.1f} s")
    use_submission(server, without_tag)
    code, seconds = ask_as_stranger(f"bob@{SLOW['slowtrap'].name}")
    expect(code == 451 and seconds > HALF_WAIT, f"without the tag smtpd should wait, and the answer was {code} after {seconds:.1f} s")


@scenario("submission.conf, verbatim: at the users' port nobody names a recipient who has not logged in, with TLS or without")
def not_logged_in(world: World) -> None:
    server = opensmtpd(world)
    use_submission(server)
    for with_tls in (False, True) if serves_tls(world) else (False,):
        with smtplib.SMTP(SERVER, 587, timeout=60, source_address=STRANGER) as session:
            if with_tls:
                session.starttls(context=ssl._create_unverified_context())  # pylint: disable=protected-access
            session.ehlo("stranger.example")
            codes = [session.mail("mallory@stranger.example")[0], session.rcpt("bob@early.test")[0]]
        expect(min(codes) >= 500, f"MAIL and RCPT should be refused, and the answers were {codes}, TLS: {with_tls}")
    time.sleep(1)
    expect(not is_known(server, "early.test"), "a stranger's question was looked up")


@scenario("the trap: without the tag a stranger has any domain looked up")
def trap(world: World) -> None:
    server = opensmtpd(world)
    use_submission(server, without_tag)
    code, _ = ask_as_stranger("bob@trapped.test")
    expect(code == 550, f"the recipient should be refused, and the answer was {code}")
    deadline = time.monotonic() + 20
    while not is_known(server, "trapped.test") and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(is_known(server, "trapped.test"), "smtpd asks the table after it has looked at \"auth\": the tag is needed no more")


@scenario("submission.conf, verbatim: the mail of a user who has logged in goes to no impostor", serves_tls)
def user(world: World) -> None:
    server = opensmtpd(world)
    use_submission(server)

    def submit() -> None:
        since = server.mark()
        with smtplib.SMTP(SERVER, 587, timeout=60, source_address=STRANGER) as session:
            session.starttls(context=ssl._create_unverified_context())  # pylint: disable=protected-access
            session.login("alice", "secret")
            session.sendmail(f"alice@{HOME_DOMAIN}", ["bob@submitted.test"], message(["bob@submitted.test"], "hello", {}))
        server.wait_for_status(since, "bob@submitted.test")

    expect_protected(world, world.watch(submit), "bob@submitted.test", GOOD)
