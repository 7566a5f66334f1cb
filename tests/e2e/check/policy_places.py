"""Policy hosts at addresses of their own, for what the lab's nginx and raw_server.py do not do: one address of several that
differs, a host that is slow, one that looks at the User-Agent."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

from pki import Authority, Leaf


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that refuse what they see are what this is for."""


class Redirecting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802; the name is http.server's
        self.send_response(301)
        self.send_header("Location", f"https://{self.headers.get('Host', '')}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class PolicyPlace:
    """`answer` gives the body for a User-Agent. `wait`: seconds before it is sent. `redirects_http`: on port 80 it sends everybody
    to port 443."""

    address: str
    domain: str
    answer: Callable[[str], str]
    wait: float = 0.0
    redirects_http: bool = False
    leaf: Leaf | None = None
    _servers: list[Server] = field(default_factory=list)

    def start(self, authority: Authority) -> None:
        place = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                # In the thread of this connection: a handshake keeps nobody else waiting.
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self) -> None:  # noqa: N802; the name is http.server's
                time.sleep(place.wait)
                body = place.answer(self.headers.get("User-Agent", "")).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        name = f"mta-sts.{self.domain}"
        pair = authority.issue(self.leaf or Leaf(name, dns=(name,)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        self._serve(443, Handler)
        if self.redirects_http:
            self._serve(80, Redirecting)

    def _serve(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        server = Server((self.address, port), handler)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()
