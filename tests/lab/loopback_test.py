#!/usr/bin/python3
"""The loopback lab itself: other tests rely on these answers, so that a lab gone wrong is seen here first."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import struct
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

import loopback

TXT, MX, A, AAAA, TLSA = 16, 15, 1, 28, 52
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


@dataclass
class Answer:
    rcode: int
    authentic: bool
    records: list[tuple[int, int, bytes]]  # type, TTL, data

    def ttls(self, kind: int) -> list[int]:
        return [ttl for found, ttl, _ in self.records if found == kind]


def ask(name: str, kind: int, server: str = "MTASTS_LAB_RESOLVER") -> Answer:
    host, port = os.environ[server].rsplit(":", 1)
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
    message = secrets.token_bytes(2) + struct.pack("!HHHHH", 0x0120, 1, 0, 0, 0) + question
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        connection.sendall(struct.pack("!H", len(message)) + message)
        stream = connection.makefile("rb")
        return parse(stream.read(struct.unpack("!H", stream.read(2))[0]), 12 + len(question))


def parse(message: bytes, offset: int) -> Answer:
    flags, answers = struct.unpack("!H", message[2:4])[0], struct.unpack("!H", message[6:8])[0]
    records = []
    for _ in range(answers):
        while message[offset] not in (0,) and message[offset] < 0xC0:
            offset += message[offset] + 1
        offset += 2 if message[offset] >= 0xC0 else 1
        kind, _, ttl, length = struct.unpack("!HHIH", message[offset:offset + 10])
        records.append((kind, ttl, message[offset + 10:offset + 10 + length]))
        offset += 10 + length
    return Answer(flags & 15, bool(flags & 0x20), records)


def get(domain: str, address: str = "127.0.0.1") -> bytes:
    context = ssl.create_default_context(cafile=os.environ["MTASTS_LAB_CA"])
    context.hostname_checks_common_name = False
    port = int(os.environ["MTASTS_LAB_POLICY_PORT"])
    with socket.create_connection((address, port), timeout=2) as connection, \
            context.wrap_socket(connection, server_hostname=f"mta-sts.{domain}") as tls:
        tls.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.0\r\nHost: mta-sts.{domain}\r\n\r\n".encode())
        return b"".join(iter(lambda: tls.recv(65536), b""))


class Names(unittest.TestCase):
    def test_ttls_are_the_ones_that_the_fixtures_name(self) -> None:
        self.assertEqual(ask("_mta-sts.good.test", TXT, "MTASTS_LAB_AUTH").ttls(TXT), [600])
        self.assertEqual(ask("good.test", MX, "MTASTS_LAB_AUTH").ttls(MX), [900])
        self.assertEqual(ask("manymx.test", MX, "MTASTS_LAB_AUTH").ttls(MX), [1600] * 4)

    def test_absence_and_failure_differ(self) -> None:
        nodata = ask("_mta-sts.norecord.test", TXT)
        self.assertEqual((nodata.rcode, nodata.records), (NOERROR, []))
        self.assertEqual(ask("_mta-sts.nothere.test", TXT).rcode, NXDOMAIN)
        self.assertEqual(ask("mta-sts.nohost.test", A).rcode, NXDOMAIN)
        self.assertEqual(ask("_mta-sts.servfail.test", TXT).rcode, SERVFAIL)
        self.assertEqual(ask("_mta-sts.cnameloop.test", TXT).rcode, SERVFAIL)
        self.assertEqual(ask("example.com", TXT).rcode, NXDOMAIN)

    def test_signed_answers_are_authentic_and_tampered_ones_bogus(self) -> None:
        for name, kind in (("_mta-sts.signed.test", TXT), ("signed.test", MX), ("_25._tcp.mx1.signed.test", TLSA)):
            answer = ask(name, kind)
            self.assertEqual((answer.rcode, answer.authentic), (NOERROR, True), name)
        self.assertFalse(ask("_mta-sts.good.test", TXT).authentic)
        self.assertEqual(ask("_mta-sts.bogus.test", TXT).rcode, SERVFAIL)
        self.assertEqual(ask("bogus.test", MX).rcode, SERVFAIL)
        self.assertEqual(ask("_mta-sts.bogus.test", TXT, "MTASTS_LAB_AUTH").rcode, NOERROR)

    def test_dane_records_are_authentic_denied_or_bogus(self) -> None:
        for name, kind in (("secure.dane.test", MX), ("_25._tcp.mx1.dane.test", TLSA), ("_25._tcp.notlsa.dane.test", TLSA)):
            self.assertTrue(ask(name, kind).authentic, name)
        self.assertEqual(ask("_25._tcp.notlsa.dane.test", TLSA).rcode, NXDOMAIN)
        self.assertEqual(ask("_25._tcp.badtlsa.dane.test", TLSA).rcode, SERVFAIL)
        self.assertEqual(ask("_25._tcp.badtlsa.dane.test", TLSA, "MTASTS_LAB_AUTH").rcode, NOERROR)
        self.assertFalse(ask("leaves.dane.test", A).authentic)
        self.assertTrue(ask("alias.dane.test", A).authentic)

    def test_odd_records_are_served_as_they_are(self) -> None:
        self.assertEqual(len(ask("_mta-sts.multi.test", TXT).records), 2)
        self.assertEqual(ask("_mta-sts.split.test", TXT).records[0][2][:6], b"\x05v=STS")
        self.assertEqual([kind for kind, _, _ in ask("_mta-sts.txtcname.test", TXT).records], [5, TXT])
        self.assertEqual(len(ask("mta-sts.ipv6only.test", A).records), 0)

    def test_the_dead_resolver_takes_the_question(self) -> None:
        with self.assertRaises(TimeoutError):
            ask("good.test", MX, "MTASTS_LAB_DEAD_RESOLVER")
        with self.assertRaises(ConnectionRefusedError):
            ask("good.test", MX, "MTASTS_LAB_REFUSED_RESOLVER")


class HostileResolver(unittest.TestCase):
    SERVER = "MTASTS_LAB_HOSTILE_RESOLVER"

    def test_misbehaves_by_name(self) -> None:
        self.assertEqual(len(ask("good.lab.test", TXT, self.SERVER).records), 1)
        self.assertGreater(len(ask("manysame.lab.test", A, self.SERVER).records), 4000)
        with self.assertRaises(TimeoutError):
            ask("silent.lab.test", TXT, self.SERVER)

    def test_counts_datagrams(self) -> None:
        host, port = os.environ[self.SERVER].rsplit(":", 1)
        before = ask("seen.datagrams-lab.test", TXT, self.SERVER).records[0][2]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(2)
            datagrams.sendto(b"ab\1\0\0\1\0\0\0\0\0\0\4good\3lab\0\0\1\0\1", (host, int(port)))
            self.assertEqual(datagrams.recv(512)[:2], b"ab")
        self.assertNotEqual(ask("seen.datagrams-lab.test", TXT, self.SERVER).records[0][2], before)


class PolicyHosts(unittest.TestCase):
    def test_good_is_good(self) -> None:
        answer = get("good.test")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"Content-Type: text/plain\r\n", answer)
        self.assertIn(b"mx: *.wild.good.test\r\n", answer)

    def test_sizes(self) -> None:
        self.assertIn(b"Content-Length: 65536\r\n", get("max.test"))
        self.assertIn(b"Content-Length: 65537\r\n", get("big.test"))
        self.assertIn(b"Transfer-Encoding: chunked\r\n", get("bigchunked.test", "127.0.0.2"))

    def test_types_and_status(self) -> None:
        self.assertNotIn(b"Content-Type", get("notype.test"))
        self.assertIn(b"Content-Type: text/html\r\n", get("html.test"))
        self.assertIn(b"Content-Encoding: gzip\r\n", get("gzip.test"))
        self.assertIn(b"Location: https://mta-sts.good.test/", get("redirect.test"))
        self.assertTrue(get("notfound.test").startswith(b"HTTP/1.1 404 "))

    def test_bad_certificates_are_bad_in_their_own_way(self) -> None:
        for domain, told in {"selfsigned": "self-signed", "expired": "expired", "notyet": "not yet valid", "untrusted": "issuer",
                             "wrongname": "mismatch", "cnonly": "mismatch", "deepwild": "mismatch"}.items():
            with self.assertRaisesRegex(ssl.SSLCertVerificationError, told):
                get(f"{domain}.test")
        with self.assertRaises(ssl.SSLError):
            get("oldtls.test", "127.0.0.3")

    def test_silence_and_nobody(self) -> None:
        with self.assertRaises(TimeoutError):
            get("silent.test", "127.0.0.4")
        with self.assertRaises(ConnectionRefusedError):
            get("refused.test", "127.0.0.9")


if __name__ == "__main__":
    if "MTASTS_LAB_DIR" in os.environ:
        unittest.main()
    sys.exit(loopback.main(["--", sys.executable, str(Path(__file__).resolve())]))
