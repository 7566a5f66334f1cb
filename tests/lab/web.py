"""Policy hosts of the lab: nginx for everything that a web server does, raw_server.py for what it refuses to do."""

from __future__ import annotations

import gzip
import json
import re
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pki import Authority, Leaf, Pair
from process import Daemon, Endpoint, Programs

WELL_KNOWN = "/.well-known/mta-sts.txt"


class Place(Enum):
    """Which server plays the policy host; each has an address of its own, see WebAddresses."""

    NGINX = "nginx"
    OLD_TLS = "nginx with TLS 1.1 only"
    RAW = "raw_server.py"
    SILENT = "takes the connection and says nothing, not even in TLS"
    CLOSED = "nothing listens"


@dataclass(frozen=True)
class PolicyHost:
    """The policy host `mta-sts.<domain>`. Without a `leaf` it gets a good certificate for exactly its name.

    `behaviour` is one of raw_server.py's and counts only in Place.RAW. `aliases` are further domains whose policy hosts this
    one plays as well, with the same body; a `leaf` names them all.
    """

    domain: str
    body: str = ""
    leaf: Leaf | None = None
    status: int = 200
    location: str = ""
    content_type: str = "text/plain"
    gzipped: bool = False
    place: Place = Place.NGINX
    behaviour: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"mta-sts.{self.domain}"

    def certificate(self) -> Leaf:
        return self.leaf or Leaf(self.name, dns=(self.name,))


@dataclass(frozen=True)
class WebAddresses:
    """Every address is used with the one `port`. `good6` may be empty on a machine without IPv6."""

    port: int
    good4: str
    good6: str
    old_tls: str
    raw: str
    silent: str
    closed: str

    def of(self, place: Place) -> str:
        return {Place.NGINX: self.good4, Place.OLD_TLS: self.old_tls, Place.RAW: self.raw, Place.SILENT: self.silent,
                Place.CLOSED: self.closed}[place]


class Web:
    """All policy hosts. `more_silent` are further endpoints that accept and never answer (a dead resolver, say)."""

    def __init__(self, programs: Programs, folder: Path, addresses: WebAddresses, authority: Authority,
                 hosts: list[PolicyHost], more_silent: tuple[Endpoint, ...] = ()) -> None:
        self.folder = folder
        self.addresses = addresses
        self.authority = authority
        self.hosts = {host.domain: host for host in hosts}
        self.more_silent = more_silent
        folder.mkdir(parents=True, exist_ok=True)
        self.access_log = folder / "access.log"
        self._nginx_configuration = folder / "nginx.conf"
        self._raw_configuration = folder / "raw.json"
        error_log = folder / "nginx-error.log"
        self._nginx = Daemon([programs.path("nginx"), "-e", str(error_log), "-p", str(folder), "-c",
                              str(self._nginx_configuration)], error_log, programs.environment())
        self._raw = Daemon([sys.executable, str(Path(__file__).with_name("raw_server.py")), str(self._raw_configuration)],
                           folder / "raw.log")

    def start(self) -> None:
        pairs = {host.domain: self.authority.issue(host.certificate()) for host in self.hosts.values()}
        for host in self.hosts.values():
            self._write_body(host)
        self._nginx_configuration.write_text(self._nginx_text(pairs), encoding="utf-8")
        self._raw_configuration.write_text(self._raw_text(pairs), encoding="utf-8")
        port = self.addresses.port
        self.start_nginx()
        self._raw.start((self.addresses.raw, port), (self.addresses.silent, port), *self.more_silent)

    def stop(self) -> None:
        self._raw.stop()
        self.stop_nginx()

    def start_nginx(self) -> None:
        places = {host.place for host in self.hosts.values()} & {Place.OLD_TLS} | {Place.NGINX}
        self._nginx.start(*((self.addresses.of(place), self.addresses.port) for place in places))

    def stop_nginx(self) -> None:
        self._nginx.stop()

    def requests(self, domain: str) -> int:
        """How often the policy of a domain was asked for since the start."""
        logs = [log.read_text(encoding="utf-8", errors="replace") for log in (self.access_log, self._raw.log) if log.exists()]
        host = re.compile(rf"\bmta-sts\.{re.escape(domain)}\b.*\bGET ")
        return sum(bool(host.search(line)) for log in logs for line in log.splitlines())

    def publish(self, domain: str, body: str) -> None:
        """Replaces the policy text of one host while nginx runs: who asks gets the old one or the new one, whole."""
        fresh = self._body_file(domain).with_name(f"{domain}.new")
        fresh.write_text(body, encoding="utf-8", newline="")
        fresh.replace(self._body_file(domain))

    def _body_file(self, domain: str) -> Path:
        return self.folder / "bodies" / domain

    def _write_body(self, host: PolicyHost) -> None:
        file = self._body_file(host.domain)
        file.parent.mkdir(exist_ok=True)
        text = host.body.encode()
        file.write_bytes(gzip.compress(text) if host.gzipped else text)

    def _nginx_text(self, pairs: dict[str, Pair]) -> str:
        served = [host for host in self.hosts.values() if host.place in (Place.NGINX, Place.OLD_TLS)]
        temporary = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        port = self.addresses.port
        good = [f"{self.addresses.good4}:{port}"] + ([f"[{self.addresses.good6}]:{port}"] if self.addresses.good6 else [])
        return (f"daemon off;\nmaster_process off;\npid {self.folder}/nginx.pid;\nuser root;\n"
                "events { worker_connections 512; }\nhttp {\n"
                "  log_format lab '$server_addr \"$ssl_server_name\" $ssl_protocol \"$http_host\" \"$request\" $status "
                "\"$http_accept_encoding\"';\n"
                f"  access_log {self.access_log} lab;\n  server_names_hash_bucket_size 256;\n  server_names_hash_max_size 8192;\n{temporary}"
                "  types { }\n  ssl_protocols TLSv1.2 TLSv1.3;\n"
                f"  server {{\n{_listen(good, 'default_server')}    ssl_reject_handshake on;\n  }}\n"
                + "".join(self._server_block(host, pairs[host.domain], good) for host in served) + "}\n")

    def _server_block(self, host: PolicyHost, pair: Pair, good: list[str]) -> str:
        old = host.place is Place.OLD_TLS
        listen = [f"{self.addresses.old_tls}:{self.addresses.port}"] if old else good
        weak = old or host.certificate().is_weak()
        answer = f"alias {self._body_file(host.domain)};"
        if host.location:
            answer = f"return {host.status} {host.location};"
        elif host.status != 200:
            answer = f"return {host.status};"
        encoding = "      add_header Content-Encoding gzip;\n" if host.gzipped else ""
        return (f"  server {{\n{_listen(listen)}    server_name {' '.join([host.name, *(f'mta-sts.{alias}' for alias in host.aliases)])};\n"
                f"    ssl_certificate {pair.certificate};\n    ssl_certificate_key {pair.key};\n"
                + ("    ssl_protocols TLSv1.1;\n" if old else "") + ("    ssl_ciphers DEFAULT@SECLEVEL=0;\n" if weak else "")
                + f"    location = {WELL_KNOWN} {{\n      default_type \"{host.content_type}\";\n{encoding}      {answer}\n"
                "    }\n  }\n")

    def _raw_text(self, pairs: dict[str, Pair]) -> str:
        port = self.addresses.port
        hosts = {host.name: {"certificate": str(pairs[host.domain].certificate), "key": str(pairs[host.domain].key),
                             "behaviour": host.behaviour, "body": host.body}
                 for host in self.hosts.values() if host.place is Place.RAW}
        silent = [(self.addresses.silent, port), *self.more_silent]
        return json.dumps({"tls": [self.addresses.raw, port], "hosts": hosts, "silent": silent})


def _listen(places: list[str], option: str = "") -> str:
    return "".join(f"    listen {place} ssl {option};\n" for place in places)
