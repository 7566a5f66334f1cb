"""The server blocks in the other two web servers: the same bytes, nothing else, no redirect."""

from __future__ import annotations

import subprocess
from typing import Callable

from framework import expect, scenario
from publisher import CERTIFICATES, DONE, OUT, Publisher, start, start_nginx, web_servers
from scenarios_life import entry
from topology import GOOD, declare
from world import Domain, World

SERVERS = ("nginx", "caddy", "apache")
for server in SERVERS:
    declare(Domain(f"{server}.test", (GOOD,), updatable=True))


def published_by(world: World, server: str) -> None:
    domain = f"{server}.test"
    publisher = Publisher(world, entry(domain))
    publisher.run("--certificates", str(CERTIFICATES), "--apply", exits=DONE)
    publisher.update(domain)
    publisher.issue(domain)
    STARTERS[server](world)
    publisher.run("--certificates", str(CERTIFICATES), "--apply", exits=DONE)
    publisher.update(domain)
    publisher.run("--certificates", str(CERTIFICATES), "--apply", exits=DONE)
    publisher.run("--certificates", str(CERTIFICATES), exits=DONE)
    publisher.run("--verify", exits=DONE)
    for path, status in (("/.well-known/mta-sts.txt", "200"), ("/", "40"), ("/.well-known/", "40"), ("/.well-known/mta-sts.txt/x", "40"),
                         ("/.well-known/.mta-sts.txt.mtasts-new", "40")):
        told = ask(domain, path)
        expect(told.startswith(status), f"{server} answers {told} for {path}")
    expect(ask(domain, "/.well-known/mta-sts.txt") == "200 text/plain", "the media type, and nothing after it")


def ask(domain: str, path: str) -> str:
    host = f"mta-sts.{domain}"
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", "--path-as-is", f"https://{host}{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def start_caddy(world: World) -> None:
    root = web_servers()
    root.path("/etc/Caddyfile").write_text(f"{{\n    auto_https disable_redirects\n    admin off\n}}\nimport {OUT}/Caddyfile\n", encoding="ascii")
    start(world, root.command("env", "HOME=/root", "caddy", "run", "--config", "/etc/Caddyfile", "--adapter", "caddyfile"))


def start_apache(world: World) -> None:
    root = web_servers()
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                      for name in ("mpm_event", "authz_core", "authn_core", "mime", "ssl", "socache_shmcb"))
    root.path("/etc/apache.conf").write_text(
        f"ServerRoot /tmp\nPidFile /tmp/apache.pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n{modules}"
        f"TypesConfig /etc/mime.types\nListen 443\nServerName sender.lab.test\nIncludeOptional {OUT}/apache.conf\n", encoding="ascii")
    start(world, root.command("apache2", "-DFOREGROUND", "-f", "/etc/apache.conf"))


STARTERS: dict[str, Callable[[World], None]] = {"nginx": start_nginx, "caddy": start_caddy, "apache": start_apache}


@scenario("publish: nginx serves the file by its server block, and nothing else")
def nginx(world: World) -> None:
    published_by(world, "nginx")


@scenario("publish: Caddy serves the file by its site block, and nothing else")
def caddy(world: World) -> None:
    published_by(world, "caddy")


@scenario("publish: Apache serves the file by its virtual host, and nothing else")
def apache(world: World) -> None:
    published_by(world, "apache")
