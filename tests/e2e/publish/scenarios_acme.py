"""Certificates as people get them: certbot with nginx, Caddy alone; pebble in the place of Let's Encrypt."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from framework import expect, scenario
from packages import LabError
from pki import Leaf
from process import Daemon, Programs
from publisher import CERTIFICATES, DONE, OUT, Publisher, query, start, start_nginx, web_servers
from scenarios_life import entry
from topology import GOOD, declare
from world import RESOLVER, Domain, World

for name in ("certbot.test", "caddyacme.test"):
    declare(Domain(name, (GOOD,), updatable=True))

DIRECTORY = "https://127.0.0.1:14000/dir"
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
HOOK = Path("/etc/letsencrypt/hook")


def start_pebble(world: World) -> None:
    """A certificate authority that everybody here trusts from now on."""
    root = web_servers()
    pair = world.authority.issue(Leaf("pebble", dns=("localhost",), ip=("127.0.0.1",)))
    for part, file in (("certificate", pair.certificate), ("key", pair.key)):
        root.path(f"/etc/pebble.{part}").write_bytes(file.read_bytes())
    root.path("/etc/pebble.json").write_text(json.dumps({"pebble": {
        "listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/etc/pebble.certificate",
        "privateKey": "/etc/pebble.key", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": False}}),
        encoding="ascii")
    daemon = Daemon(root.command("env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "pebble", "-config", "/etc/pebble.json", "-dnsserver",
                                 f"{RESOLVER[0]}:{RESOLVER[1]}"), Path("/srv/pebble.log"), Programs(Path("/")).environment())
    daemon.start(("127.0.0.1", 14000), ("127.0.0.1", 15000))
    world.undo(daemon.stop)
    trust(world, fetch("https://127.0.0.1:15000/roots/0"))


def fetch(url: str) -> str:
    done = subprocess.run(["curl", "-sS", "--cacert", TRUSTED, url], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{url}: {done.stderr}")
    return done.stdout


def trust(world: World, certificate: str) -> None:
    before = Path(TRUSTED).read_text(encoding="ascii")
    for file in (Path(TRUSTED), web_servers().path(TRUSTED)):
        file.write_text(before + certificate, encoding="ascii")
        world.undo(lambda file=file: file.write_text(before, encoding="ascii"))  # type: ignore[misc]


def publish_behind(publisher: Publisher, domain: str) -> None:
    """Address and certificate are there: file, record, and senders follow it."""
    publisher.run("--apply", exits=DONE)
    publisher.update(domain)
    publisher.run("--apply", exits=DONE)
    publisher.run("--verify", exits=DONE)
    checked = subprocess.run(["mtasts", "check", domain], capture_output=True, text=True, check=False)
    expect(checked.returncode == 0, f"mtasts check {domain}: {checked.stdout} {checked.stderr}")
    expect(query(domain)["mode"] == "testing", "senders follow it")


@scenario("publish: the recipe of certbot with nginx, a renewal and its deploy hook included")
def certbot(world: World) -> None:
    publisher = Publisher(world, entry("certbot.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("certbot.test")
    start_pebble(world)
    webroot = Path("/var/www/html")
    webroot.mkdir(parents=True, exist_ok=True)
    start_nginx(world, only_http=True)
    HOOK.write_text("#!/bin/sh\necho \"$RENEWED_DOMAINS\" >>/etc/letsencrypt/renewed\n", encoding="ascii")
    HOOK.chmod(0o755)
    run_certbot("certonly", "--webroot", "-w", str(webroot), "-d", "mta-sts.certbot.test", "--deploy-hook", str(HOOK), "--agree-tos",
                "--register-unsafely-without-email", "--server", DIRECTORY)
    expect((CERTIFICATES / "mta-sts.certbot.test/privkey.pem").exists(), "the certificate is where the server block expects it")
    publisher.serve()
    publish_behind(publisher, "certbot.test")
    run_certbot("renew", "--force-renewal")
    renewed = Path("/etc/letsencrypt/renewed").read_text(encoding="ascii").split()
    expect(renewed == ["mta-sts.certbot.test"] * 2, f"the hook was told of {renewed}")


def run_certbot(*words: str) -> None:
    root = web_servers()
    done = subprocess.run(root.command("env", f"REQUESTS_CA_BUNDLE={TRUSTED}", "certbot", *words, "-n", "--no-random-sleep-on-renew"),
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"certbot {words[0]}: {done.stdout} {done.stderr}")


@scenario("publish: the recipe of Caddy alone, which gets its certificate by itself")
def caddy_alone(world: World) -> None:
    publisher = Publisher(world, entry("caddyacme.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("caddyacme.test")
    start_pebble(world)
    root = web_servers()
    root.path("/etc/Caddyfile").write_text(
        f"{{\n    admin off\n    acme_ca {DIRECTORY}\n    acme_ca_root {TRUSTED}\n}}\nimport {OUT}/Caddyfile\n", encoding="ascii")
    start(world, root.command("env", "HOME=/root", "caddy", "run", "--config", "/etc/Caddyfile", "--adapter", "caddyfile"))
    deadline = time.monotonic() + 30
    while subprocess.run(["curl", "-s", "-o", "/dev/null", "https://mta-sts.caddyacme.test/"], check=False).returncode != 0:
        expect(time.monotonic() < deadline, Path("/srv/publisher.log").read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.2)
    publish_behind(publisher, "caddyacme.test")
