#!/usr/bin/python3
"""A mail world on this machine for the installed packages: names, a policy host, an MX host and an impostor.

    world.py start FOLDER     goes on until it is killed; makes FOLDER/ready, and FOLDER/arrived with a line for each message
    world.py wait FOLDER TEXT SECONDS    until a line of FOLDER/arrived has TEXT

good.test, gmail.com (of which the guides speak) and forged.test have the same policy: mail only to mx.good.test. The MX record of forged.test
is somebody else's. The policy of lost.test cannot be had. Each domain wants reports (RFC 8460), good.test by HTTPS and the others by mail.
"""

import http.server
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

# Mail servers take no host at a loopback address. These are for documentation, and added to the loopback interface.
MX, IMPOSTOR, POLICY_HOST, NAMES = "198.51.100.25", "198.51.100.66", "198.51.100.44", "127.0.0.53"
HOSTS = {"mx.good.test": MX, "mx.impostor.test": IMPOSTOR, "mta-sts.good.test": POLICY_HOST, "mta-sts.forged.test": POLICY_HOST,
         "mta-sts.gmail.com": POLICY_HOST}
DOMAINS = {"good.test": "mx.good.test", "gmail.com": "mx.good.test", "forged.test": "mx.impostor.test", "lost.test": "mx.good.test"}
UPLOADS = {"good.test": "https://mta-sts.good.test/reports"}
POLICY = "version: STSv1\nmode: enforce\nmx: mx.good.test\nmax_age: 86400\n"
AUTHORITIES = Path("/usr/local/share/ca-certificates/autopkgtest.crt")


def note(arrived, line):
    with open(arrived, "a", encoding="ascii") as log:
        log.write(f"{line}\n")


class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(POLICY)))
        self.end_headers()
        self.wfile.write(POLICY.encode())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        note(self.server.arrived, f"{self.headers['Host']} {self.connection.version()} POST {self.path} {self.headers['Content-Type']}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Secure(http.server.ThreadingHTTPServer):
    context = None

    def get_request(self):
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True), address


class MailHost(socketserver.StreamRequestHandler):
    """Says what it must to be given a message. The impostor has no certificate, and offers no STARTTLS."""

    def handle(self):
        self.tls = "plain"
        self.say("220 mx ESMTP")
        while (line := self.rfile.readline()):
            word = line.split()[0].upper() if line.split() else b""
            if word == b"EHLO":
                self.say("250-mx" if self.server.context and self.tls == "plain" else "250 mx")
                if self.server.context and self.tls == "plain":
                    self.say("250 STARTTLS")
            elif word == b"STARTTLS":
                self.start_tls()
            elif word == b"RCPT":
                self.recipient = line.decode().strip()
                self.say("250 ok")
            elif word == b"DATA":
                self.take_message()
            elif word == b"QUIT":
                return self.say("221 bye")
            else:
                self.say("250 ok")

    def start_tls(self):
        self.say("220 go")
        connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.tls = connection.version()
        self.connection = connection
        self.rfile, self.wfile = connection.makefile("rb"), connection.makefile("wb", buffering=0)

    def take_message(self):
        self.say("354 go on")
        while self.rfile.readline() not in (b".\r\n", b""):
            pass
        note(self.server.arrived, f"{self.server.name} {self.tls} {self.recipient}")
        self.say("250 taken")

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def certificates(folder):
    """An authority that this machine trusts from now on, and a certificate of it for the policy hosts and the MX host."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=autopkgtest")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=host")
    (folder / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in HOSTS if name != "mx.impostor.test"))
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "host.pem")
    shutil.copy(folder / "ca.pem", AUTHORITIES)
    subprocess.run(["update-ca-certificates"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "host.pem", folder / "host.key")
    return context


def name_server():
    words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--listen-address={NAMES}", "--bind-interfaces",
             "--local=/test/gmail.com/", "--user=root"]
    words += [f"--address=/{name}/{address}" for name, address in HOSTS.items()]
    words += [f"--mx-host={domain},{host},10" for domain, host in DOMAINS.items()]
    words += ["--mx-host=example.com,mx.good.test,10"]  # of the guides' senders; Sendmail takes no mail of a domain that does not exist
    words += [f"--txt-record=_mta-sts.{domain},v=STSv1; id=1;" for domain in DOMAINS]
    words += [f"--txt-record=_smtp._tls.{domain},v=TLSRPTv1; rua={UPLOADS.get(domain, f'mailto:reports@{domain}')}" for domain in DOMAINS]
    subprocess.Popen(words, stdin=subprocess.DEVNULL)
    Path("/etc/resolv.conf").write_text(f"nameserver {NAMES}\n", encoding="ascii")


def mail_server(name, address, context, arrived):
    server = MailServer((address, 25), MailHost)
    server.name, server.context, server.arrived = name, context, arrived
    threading.Thread(target=server.serve_forever).start()


def start(folder):
    for address in (MX, IMPOSTOR, POLICY_HOST):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    context = certificates(folder)
    (folder / "arrived").touch()
    policies = Secure((POLICY_HOST, 443), Policies)
    policies.context, policies.arrived = context, folder / "arrived"
    threading.Thread(target=policies.serve_forever).start()
    mail_server("mx.good.test", MX, context, folder / "arrived")
    mail_server("mx.impostor.test", IMPOSTOR, None, folder / "arrived")
    name_server()
    Path("/etc/mtasts").mkdir(exist_ok=True)
    Path("/etc/mtasts/mtasts.toml").write_text('[fetch]\nallow_private = ["198.51.100.0/24"]\n', encoding="ascii")


def wait(folder, text, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(text in line for line in (folder / "arrived").read_text(encoding="ascii").splitlines()):
            return 0
        time.sleep(0.2)
    print(f"nothing with {text!r} arrived; what did:\n{(folder / 'arrived').read_text(encoding='ascii')}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    if sys.argv[1] == "wait":
        sys.exit(wait(Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
    start(Path(sys.argv[2]))
    (Path(sys.argv[2]) / "ready").touch()
