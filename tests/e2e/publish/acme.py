"""pebble in the place of Let's Encrypt, and certbot, which asks it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from framework import expect
from packages import LabError
from pki import Leaf
from process import Daemon, Programs
from publisher import web_servers
from world import RESOLVER, World

DIRECTORY = "https://127.0.0.1:14000/dir"
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"


def start_pebble(world: World) -> None:
    """A certificate authority that everybody here trusts from now on. It knows none of the accounts of the one before (Publisher)."""
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
    _trust(world, _fetch("https://127.0.0.1:15000/roots/0"))


def _fetch(url: str) -> str:
    done = subprocess.run(["curl", "-sS", "--cacert", TRUSTED, url], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{url}: {done.stderr}")
    return done.stdout


def _trust(world: World, certificate: str) -> None:
    before = Path(TRUSTED).read_text(encoding="ascii")
    for file in (Path(TRUSTED), web_servers().path(TRUSTED)):
        file.write_text(before + certificate, encoding="ascii")
        world.undo(lambda file=file: file.write_text(before, encoding="ascii"))  # type: ignore[misc]


def run_certbot(*words: str) -> str:
    """What it says, and its hooks. It may keep what it compiles of itself, which nobody has done for it in a root that was only unpacked."""
    root = web_servers()
    done = subprocess.run(root.command("env", "-u", "PYTHONDONTWRITEBYTECODE", f"REQUESTS_CA_BUNDLE={TRUSTED}", "certbot", *words, "-n", "--no-random-sleep-on-renew"),
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"certbot {words[0]}: {done.stdout} {done.stderr}")
    return done.stdout + done.stderr


def get_certificate(webroot: Path, *words: str) -> None:
    """As in the recipe of certbot; `words` are further ones, the names among them."""
    webroot.mkdir(parents=True, exist_ok=True)
    get_certificate_by("certonly", "--webroot", "-w", str(webroot), *words)


def get_certificate_by(*words: str) -> None:
    """`words` of certbot, from the authority here and without questions."""
    run_certbot(*words, "--agree-tos", "--register-unsafely-without-email", "--server", DIRECTORY)
