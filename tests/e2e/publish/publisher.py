"""Somebody who publishes policies with mtasts publish: a list, a web tree, a web server, nsupdate."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import roots
from chroot import Chroot
from dns import UPDATE_KEY
from framework import expect
from pki import Leaf
from process import Daemon, Programs
from world import AUTHORITY, World

LIST = Path("/etc/mtasts/domains.toml")
ROOT = Path("/var/www/mta-sts")
STATE = Path("/var/lib/mtasts-publish")
OUT = Path("/etc/mtasts/publish")
CERTIFICATES = Path("/etc/letsencrypt/live")
HOST4, HOST6 = "198.51.100.85", "2001:db8:1::85"  # the policy host, played by one of the web servers
DAY = 86400

RUNNING: list[Daemon] = []
DONE, PENDING, REFUSED, NO_STATE, TRY_AGAIN = 0, 1, 2, 74, 75


class Publisher:
    """With nothing published yet. The lab's own policy hosts make room for the web server of the publisher."""

    def __init__(self, world: World, text: str) -> None:
        self.world = world
        for folder in (ROOT, STATE, OUT):
            shutil.rmtree(folder, ignore_errors=True)
        clear(CERTIFICATES.parent)
        LIST.parent.mkdir(exist_ok=True)
        LIST.write_text(text, encoding="utf-8")
        world.web.stop()
        world.undo(world.web.start)

    def run(self, *words: str, exits: int) -> subprocess.CompletedProcess[str]:
        """mtasts publish, which must end like this."""
        command = ["mtasts", "publish", "--list", str(LIST), "--root", str(ROOT), "--state", str(STATE), "--out", str(OUT), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        expect(done.returncode == exits,
               f"publish {' '.join(words)} should end with {exits} and ended with {done.returncode}: {done.stdout} {done.stderr}")
        return done

    def update(self, *zones: str, accepted: bool = True) -> None:
        """The scripts, by nsupdate; what the resolver remembers of the zones is forgotten."""
        for zone in zones:
            told = nsupdate((OUT / "nsupdate" / f"{zone}.txt").read_text(encoding="ascii"))
            expect((told == "") is accepted, f"nsupdate for {zone} should {'succeed' if accepted else 'be refused'} and said: {told or 'nothing'}")
            self.world.updated(zone)

    def issue(self, *domains: str) -> None:
        """What certbot would get: one certificate for the policy hosts of these domains, in the folder of the first."""
        names = tuple(f"mta-sts.{domain}" for domain in domains)
        pair = self.world.authority.issue(Leaf(f"published-{domains[0]}", dns=names))
        folder = CERTIFICATES / names[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(pair.certificate, folder / "fullchain.pem")
        shutil.copy(pair.key, folder / "privkey.pem")

    def serve(self) -> None:
        """nginx with the server blocks, as one would include them."""
        start_nginx(self.world)

    def domain(self, name: str) -> dict[str, object]:
        """What publish says of it now."""
        done = subprocess.run(["mtasts", "publish", "--list", str(LIST), "--root", str(ROOT), "--state", str(STATE), "--json"],
                              capture_output=True, text=True, check=False)
        found: list[dict[str, object]] = [one for one in json.loads(done.stdout)["domains"] if one["name"] == name]
        return found[0]

    def publish_everything(self, *zones: str) -> None:
        """File, certificate, web server, records; seen by the last run."""
        self.run("--apply", exits=DONE)
        self.issue(*zones)
        for zone in zones:  # the policy host of an alias leads to that of the first
            self.update(zone)
        self.serve()
        self.run("--apply", exits=DONE)
        for zone in zones:
            self.update(zone)
        self.run("--apply", exits=DONE)


def clear(folder: Path) -> None:
    """It stays, because it may be mounted elsewhere."""
    for inside in folder.glob("*"):
        if inside.is_dir():
            shutil.rmtree(inside)
        else:
            inside.unlink()


def nsupdate(script: str) -> str:
    """What it complains of."""
    key, algorithm, secret = UPDATE_KEY
    text = f"server {AUTHORITY[0]} {AUTHORITY[1]}\nkey {algorithm}:{key} {secret}\n{script}"
    return web_servers().run("nsupdate", text=text, check=False).strip()


def web_servers() -> Chroot:
    """The other web servers and nsupdate; they see the same folders."""
    [tree] = roots.unpacked(roots.WEB_SERVERS)
    root = Chroot(tree, Path("/srv/web-servers"))
    if not root.place.exists():
        root.mount()
        for folder in (ROOT, OUT, CERTIFICATES):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _bind(folder.parent, root)
    return root


def _bind(folder: Path, root: Chroot) -> None:
    inside = root.path(str(folder))
    inside.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder), str(inside)], check=True)


def start_nginx(world: World, only_http: bool = False) -> None:
    """With the server blocks and Debian's default site on port 80; `only_http`: as before the first certificate."""
    start_plain_nginx(world, "" if only_http else f"  include {OUT}/nginx.conf;\n", 80 if only_http else 443)


def start_plain_nginx(world: World, sites: str, port: int = 443, inside: tuple[str, ...] = ()) -> None:
    """nginx with these `sites` beside Debian's default site on port 80; `inside`: the command that starts it. It can be reloaded, which
    takes a master process."""
    folder = Path("/srv/publisher")
    folder.mkdir(exist_ok=True)
    temporary = "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nuser root;\nevents {{ }}\nhttp {{\n  access_log {folder}/access.log;\n"
        f"{temporary}  default_type application/octet-stream;\n"
        "  server {\n    listen 80 default_server;\n    listen [::]:80 default_server;\n    root /var/www/html;\n  }\n"
        f"{sites}}}\n", encoding="ascii")
    programs = Programs(Path("/"))
    command = [*inside, programs.path("nginx"), "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    start(world, command, port)


def start(world: World, command: list[str], port: int = 443) -> None:
    """A web server on all addresses, in the place of the one before, until the scenario ends."""
    for running in RUNNING:
        running.stop()
    RUNNING[:] = [Daemon(command, Path("/srv/publisher.log"), Programs(Path("/")).environment())]
    RUNNING[0].start((HOST4, port), (HOST6, port))
    world.undo(RUNNING[0].stop)


def running_server() -> int:
    """The process of what start() started last."""
    process = RUNNING[0].process
    assert process is not None
    return process.pid


def pass_time(days: int) -> None:
    """Everything that the state knows happened so much earlier."""
    text = (STATE / "state").read_text(encoding="ascii")
    first, _, rest = text.partition("\n")
    state = json.loads(rest[:rest.rindex("sum: ")])
    for domain in state:
        for key in ("since", "seen_since", "left", "keep_until"):
            if domain[key] is not None:
                domain[key] -= days * DAY
    text = f"{first}\n{json.dumps(state)}\n"
    (STATE / "state").write_text(f"{text}sum: {hashlib.sha256(text.encode()).hexdigest()}\n", encoding="ascii")


def query(domain: str) -> dict[str, object]:
    """What a mail server here is told, looked up anew."""
    done = subprocess.run(["mtasts", "query", domain, "--json", "--refresh"], capture_output=True, text=True, check=False)
    expect(done.stdout != "", f"mtasts query {domain}: {done.stderr}")
    told: dict[str, object] = json.loads(done.stdout)
    return told
