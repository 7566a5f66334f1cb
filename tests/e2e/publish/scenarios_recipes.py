"""The recipes of docs/publish.md, each from nothing to enforce: certificates from an authority (acme.py), the roll-out with the time
that it takes, mtasts check without a finding, and mail that is delivered under the policy and under nothing else."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import mail_server
from acme import DIRECTORY, TRUSTED, get_certificate, get_certificate_by, run_certbot, start_pebble
from framework import expect, expect_delivered, expect_waiting, scenario
from guide import commands, file_in
from packages import REPOSITORY
from pki import Leaf, Validity
from publisher import (CERTIFICATES, DONE, HOST4, HOST6, OUT, ROOT, Publisher, pass_time, query, running_server, start, start_nginx,
                       start_plain_nginx, web_servers)
from scenarios_life import change_mx, entry
from topology import GOOD, IMPOSTOR, declare
from world import Domain, World

CUSTOMERS = ("customer-one.test", "customer-two.test")
for name in ("certbot.test", "caddyacme.test", "hoster.test", "ownmx.test", "panel.test", "container.test", *CUSTOMERS):
    declare(Domain(name, (GOOD,), updatable=True))

GUIDE = REPOSITORY / "docs/publish.md"
HOOK = Path("/etc/letsencrypt/renewal-hooks/deploy/mta-sts")
WEBROOT = Path("/var/www/html")


def publish_behind(publisher: Publisher, domain: str, *more: str) -> None:
    """Address and certificate are there: file, record, and senders follow it. `more` are further zones."""
    for _ in range(2):
        publisher.run("--apply", exits=DONE)
        for zone in (domain, *more):
            publisher.update(zone)
    publisher.run("--apply", exits=DONE)
    publisher.run("--verify", exits=DONE)
    for one in (domain, *more):
        expect(query(one)["mode"] == "testing", f"senders follow the policy of {one}")


def reach_the_aim(publisher: Publisher, domain: str, *more: str) -> None:
    """All steps of the roll-out; then there is nothing to do and nothing to find."""
    for days in (14, 7):
        pass_time(days)
        publisher.run("--promote", domain, "--apply", exits=DONE)
        publisher.update(domain)
        publisher.run("--apply", exits=DONE)
    expect("Nothing to do." in publisher.run(exits=DONE).stdout, "the aim is reached")
    publisher.run("--verify", exits=DONE)
    for one in (domain, *more):
        checked = subprocess.run(["mtasts", "check", "--json", one], capture_output=True, text=True, check=False)
        report = json.loads(checked.stdout)
        expect(checked.returncode == 0 and report["findings"] == [] and report["policy"]["mode"] == "enforce",
               f"mtasts check {one}: exit {checked.returncode}, {report['findings']}")
        expect(query(one)["mode"] == "enforce", f"senders that look at the record of {one} anew enforce the policy")


def expect_in_force(world: World, domain: str) -> None:
    """The mail server here delivers to the host of the policy, and to no other one, whatever DNS says."""
    expect_delivered(world.send(f"bob@{domain}"), f"bob@{domain}", GOOD, verified=True)
    change_mx(world, domain, GOOD, IMPOSTOR)
    expect_waiting(world.send(f"carol@{domain}"), f"carol@{domain}")


@scenario("publish: the recipe of certbot with nginx, a renewal and the deploy hook of the guide included")
def certbot(world: World) -> None:
    publisher = Publisher(world, entry("certbot.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("certbot.test")
    start_pebble(world)
    start_nginx(world, only_http=True)
    WEBROOT.mkdir(parents=True, exist_ok=True)  # Debian's nginx brings it
    get_certificate_by(*certbot_of_the_guide("certbot.test"))
    expect((CERTIFICATES / "mta-sts.certbot.test/privkey.pem").exists(), "the certificate is where the server block expects it")
    publisher.serve()
    publish_behind(publisher, "certbot.test")
    write_hook(world)
    before = shown_certificate("mta-sts.certbot.test")
    told = run_certbot("renew", "--force-renewal")
    expect("Nothing to do." in told and "error code" not in told, f"the hook looks whether senders take the new certificate: {told}")
    expect(shown_certificate("mta-sts.certbot.test") != before, "the web server has the new certificate")
    reach_the_aim(publisher, "certbot.test")
    world.mail_hosts.show(GOOD, Leaf("expired-good", dns=(GOOD,), validity=Validity.EXPIRED))
    world.undo(lambda: world.mail_hosts.show(GOOD, None))
    told = run_certbot("renew", "--force-renewal")
    expect("error code 2" in told and "mx-certificate-expired" in told, f"certbot tells what the hook finds: {told}")
    world.mail_hosts.show(GOOD, None)
    expect_in_force(world, "certbot.test")


def certbot_of_the_guide(domain: str) -> list[str]:
    """What it has the reader type for one domain."""
    [text] = [command.text for command in commands(GUIDE, "Web servers and certificates")
              if command.text.startswith("certbot ") and "--cert-name" not in command.text]
    return shlex.split(text.replace("example.com", domain))[1:]


def write_hook(world: World) -> None:
    """As the guide has it. certbot's root has the machine's mtasts, and its systemctl can reload nginx."""
    HOOK.parent.mkdir(parents=True, exist_ok=True)
    HOOK.write_text(file_in(GUIDE, str(HOOK)), encoding="utf-8")
    HOOK.chmod(0o755)
    world.undo(HOOK.unlink)
    root = web_servers()
    for name, text in {"mtasts": f'exec chroot /proc/{os.getpid()}/root mtasts "$@"',
                       "systemctl": f'test "$*" = "reload nginx" && kill -HUP {running_server()}'}.items():
        program = root.path(f"/usr/bin/{name}")
        program.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        program.chmod(0o755)


def shown_certificate(host: str) -> str:
    """The serial number of what the web server shows."""
    shown = subprocess.run(["openssl", "s_client", "-connect", f"{host}:443", "-servername", host], input="", capture_output=True, text=True,
                           check=False).stdout
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown, capture_output=True, text=True, check=True).stdout


def start_caddy(world: World, host: str) -> None:
    """Until it has got its certificate for the host."""
    root = web_servers()
    shutil.rmtree(root.path("/root/.local"), ignore_errors=True)  # certificates of an authority that is gone
    root.path("/etc/Caddyfile").write_text(
        f"{{\n    admin off\n    acme_ca {DIRECTORY}\n    acme_ca_root {TRUSTED}\n}}\nimport {OUT}/Caddyfile\n", encoding="ascii")
    start(world, root.command("env", "HOME=/root", "caddy", "run", "--config", "/etc/Caddyfile", "--adapter", "caddyfile"))
    deadline = time.monotonic() + 30
    while subprocess.run(["curl", "-s", "-o", "/dev/null", f"https://{host}/"], check=False).returncode != 0:
        expect(time.monotonic() < deadline, Path("/srv/publisher.log").read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.2)


@scenario("publish: the recipe of Caddy alone, which gets its certificate by itself")
def caddy_alone(world: World) -> None:
    publisher = Publisher(world, entry("caddyacme.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("caddyacme.test")
    start_pebble(world)
    start_caddy(world, "mta-sts.caddyacme.test")
    publish_behind(publisher, "caddyacme.test")
    reach_the_aim(publisher, "caddyacme.test")
    expect_in_force(world, "caddyacme.test")


@scenario("publish: the recipe of many domains on one host: customers delegate by CNAME, one with MX hosts of its own")
def one_host(world: World) -> None:
    aliases = ", ".join(f'"{customer}"' for customer in CUSTOMERS)
    own = f'[[domain]]\nname = "ownmx.test"\nmx = ["{GOOD}"]\nrua = "mailto:tls@sender.lab.test"\nhost = "mta-sts.hoster.test"\n'
    publisher = Publisher(world, entry("hoster.test", f"aliases = [{aliases}]") + own)
    zones = ("hoster.test", *CUSTOMERS, "ownmx.test")
    publisher.run("--apply", exits=DONE)
    for zone in zones:
        publisher.update(zone)
    start_pebble(world)
    start_nginx(world, only_http=True)
    names = [word for zone in zones[:-1] for word in ("-d", f"mta-sts.{zone}")]
    get_certificate(WEBROOT, "--cert-name", "mta-sts.hoster.test", *names)
    get_certificate(WEBROOT, "-d", "mta-sts.ownmx.test")
    publisher.serve()
    publish_behind(publisher, *zones)
    before = [zone_records(zone) for zone in CUSTOMERS]
    reach_the_aim(publisher, "hoster.test", *CUSTOMERS)
    expect([zone_records(zone) for zone in CUSTOMERS] == before, "the customers' zones never change again")
    expect(query("ownmx.test")["mode"] == "testing", "a domain of its own has a roll-out of its own")
    expect_in_force(world, CUSTOMERS[0])
    expect_in_force(world, "hoster.test")


def zone_records(zone: str) -> str:
    """What the zone has for MTA-STS, as its own lines are to be."""
    return (OUT / "zone" / f"{zone}.zone").read_text(encoding="ascii")


USER_FOLDER = Path("/home/alice")
PANEL_HOST = "mta-sts.panel.test"


def panel_site() -> str:
    """nginx as HestiaCP's template lays out a site with TLS: the user's folder, no files that begin with a dot but those of
    .well-known, and the administrator's additions at the end."""
    settings = USER_FOLDER / "conf/web" / PANEL_HOST
    listen = "".join(f"    listen {address}:443 ssl;\n" for address in (HOST4, f"[{HOST6}]"))
    return (f"  server {{\n{listen}    server_name {PANEL_HOST};\n    root {USER_FOLDER}/web/{PANEL_HOST}/public_html;\n"
            f"    ssl_certificate {settings}/ssl/{PANEL_HOST}.pem;\n    ssl_certificate_key {settings}/ssl/{PANEL_HOST}.key;\n"
            "    location / {\n      location ~* ^.+\\.(txt|css|js|png)$ {\n        expires max;\n      }\n    }\n"
            "    location ~ /\\.(?!well-known\\/) {\n      deny all;\n    }\n"
            f"    include {settings}/nginx.ssl.conf_*;\n  }}\n")


@scenario("publish: the recipe of a web panel: its site and certificate, our file by one line of the administrator's")
def panel(world: World) -> None:
    publisher = Publisher(world, entry("panel.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("panel.test")
    # v-add-web-domain alice mta-sts.panel.test; v-add-letsencrypt-domain alice mta-sts.panel.test
    settings, pages = USER_FOLDER / "conf/web" / PANEL_HOST, USER_FOLDER / "web" / PANEL_HOST / "public_html"
    for folder in (settings / "ssl", pages / ".well-known"):
        folder.mkdir(parents=True, exist_ok=True)
    (pages / ".well-known/mta-sts.txt").write_text("mode: the customer's own\n", encoding="ascii")
    start_pebble(world)
    start_nginx(world, only_http=True)
    get_certificate(WEBROOT, "-d", PANEL_HOST)
    for part, suffix in (("fullchain.pem", "pem"), ("privkey.pem", "key")):
        shutil.copy(CERTIFICATES / PANEL_HOST / part, settings / "ssl" / f"{PANEL_HOST}.{suffix}")
    shutil.copy(mail_server.EXAMPLES / "publish/nginx.ssl.conf_mtasts", settings)
    start_plain_nginx(world, panel_site())
    publish_behind(publisher, "panel.test")
    reach_the_aim(publisher, "panel.test")
    expect_in_force(world, "panel.test")


# As a container has the folders of its machine that are mounted into it.
MOUNTED_READ_ONLY = """
for folder in $1; do
  mount --bind "$folder" "$folder"
  mount -o remount,bind,ro "$folder"
  if touch "$folder/written" 2>/dev/null; then exit 1; fi
done
shift
exec "$@"
"""


@scenario("publish: the recipe of a mail container with a web server of its own, which has the web tree read-only")
def container(world: World) -> None:
    publisher = Publisher(world, entry("container.test"))
    publisher.run("--apply", exits=DONE)
    publisher.update("container.test")
    publisher.issue("container.test")
    start_plain_nginx(world, f"  include {OUT}/nginx.conf;\n", inside=(
        "unshare", "--mount", "--propagation", "private", "sh", "-ec", MOUNTED_READ_ONLY, "sh", f"{ROOT} {OUT} {CERTIFICATES}"))
    publish_behind(publisher, "container.test")
    reach_the_aim(publisher, "container.test")  # it has each new file without being started again
    expect_in_force(world, "container.test")
