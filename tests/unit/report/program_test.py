"""`mtasts report` as it is installed: its exit codes, and its bounds of time and memory.

usage: program_test.py MTASTS

The files are made by Python's own gzip, json and email, which know nothing of the program.
"""

from __future__ import annotations

import base64
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import unittest
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PROGRAM = ""
MIB = 1 << 20
ADDRESSES = 512 * MIB
SECONDS = 5.0


def report(identity: str = "1", successful: int = 10, failed: int = 2) -> dict[str, Any]:
    return {
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": "2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"},
        "contact-info": "tls@sender.example",
        "report-id": identity,
        "policies": [{
            "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": "our.example"},
            "summary": {"total-successful-session-count": successful, "total-failure-session-count": failed},
            "failure-details": [{"result-type": "certificate-expired", "failed-session-count": failed}],
        }],
    }


def text(**kind: Any) -> bytes:
    return json.dumps(report(**kind)).encode()


def mail(attachment: bytes, subtype: str = "tlsrpt+gzip") -> bytes:
    message = EmailMessage()
    message["From"] = "tls@sender.example"
    message["Subject"] = "Report Domain: our.example Submitter: sender.example Report-ID: <1@sender.example>"
    message["TLS-Report-Domain"] = "our.example"
    message.set_content("A TLS report.")
    message.add_attachment(attachment, "application", subtype, filename="sender.example!our.example!1!2.json.gz")
    message.set_param("report-type", "tlsrpt")
    return message.as_bytes()


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))


class ProgramTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)  # root reads it before it becomes somebody else
        return str(path)

    # The processor's time is bounded, not the clock's: the machine may be busy.
    def run_program(self, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([PROGRAM, "report", *args], input=stdin, capture_output=True, timeout=120, preexec_fn=limit)

    def assert_refused(self, name: str, content: bytes, reason: str) -> None:
        with self.subTest(name):
            result = self.run_program("--json", self.file(name, content), self.file("good.json", text()))
            self.assertEqual(result.returncode, 65, result.stderr)
            told = json.loads(result.stdout)
            self.assertEqual(told["reports"], 1)
            self.assertIn(reason, told["refused"][0]["reason"])

    def test_good_reports_of_each_form(self) -> None:
        self.file("box/cur/1:2,S", mail(gzip.compress(text(identity="4"))))
        self.file("box/new/2", mail(text(identity="5"), "tlsrpt+json"))
        files = [self.file("1.json", text(identity="1")), self.file("2.json.gz", gzip.compress(text(identity="2"))),
                 self.file("3.eml", mail(gzip.compress(text(identity="3")))), str(self.folder / "box"), "-"]
        result = self.run_program("--json", *files, stdin=text(identity="6"))
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(json.loads(result.stdout), {
            "schema": 1, "reports": 6, "successful": 60, "failed": 12,
            "days": [{"day": "2026-01-31", "successful": 60, "failed": 12}],
            "policies": [{"type": "sts", "domain": "our.example", "successful": 60, "failed": 12}],
            "senders": [{"organization": "Sender Inc.", "successful": 60, "failed": 12}],
            "failures": [{"type": "certificate-expired", "sessions": 12}],
            "refused": [], "conflicts": []})

    def test_the_same_report_counts_once(self) -> None:
        result = self.run_program("--json", self.file("1.json", text()), self.file("2.json.gz", gzip.compress(text())))
        self.assertEqual((result.returncode, json.loads(result.stdout)["reports"]), (0, 1))

    def test_exit_codes(self) -> None:
        good = self.file("good.json", text())
        self.assertEqual(self.run_program(good).returncode, 0)
        self.assertEqual(self.run_program(good, self.file("bad.json", b"{")).returncode, 65)
        self.assertEqual(self.run_program(good, str(self.folder / "missing")).returncode, 66)
        self.assertEqual(self.run_program().returncode, 64)
        self.assertEqual(self.run_program("--nonsense", good).returncode, 64)
        self.assertEqual(self.run_program(good, "--html", str(self.folder / "missing/x.html")).returncode, 73)

    def test_a_table_of_80_columns_and_a_page(self) -> None:
        page = self.folder / "page.html"
        result = self.run_program(self.file("good.json", text()), "--html", str(page))
        self.assertTrue(all(len(line) <= 80 for line in result.stdout.decode().splitlines()), result.stdout)
        self.assertIn(b"our.example", result.stdout)
        self.assertIn("<svg", page.read_text(encoding="utf-8"))

    def test_no_control_character_of_a_report_reaches_the_terminal(self) -> None:
        hostile = report()
        hostile["organization-name"] = "".join(map(chr, [*range(0, 0x20), *range(0x7f, 0xa0), 0x202e, 0x2066, 0x200f]))
        path = self.file("hostile.json", json.dumps(hostile).encode())
        for option in ("--json", "--html=-", ""):
            result = self.run_program(*filter(None, [option]), path)
            self.assertEqual(result.returncode, 0)
            shown = set(result.stdout.decode()) - {"\n"}
            self.assertFalse([c for c in shown if ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2066\u200f"])

    def test_what_is_refused_costs_little(self) -> None:
        good, packed = text(), gzip.compress(text())
        self.assert_refused("bomb.gz", gzip.compress(b"{" + b" " * (300 * MIB), 9), "20 MiB")
        self.assert_refused("large.json", good + b" " * (21 * MIB), "20 MiB")
        self.assert_refused("huge.json", good + b" " * (64 * MIB), "32 MiB")
        self.assert_refused("twice.gz", gzip.compress(packed), "gzip within gzip")
        self.assert_refused("checksum.gz", packed[:-8] + bytes(4) + packed[-4:], "checksum")
        self.assert_refused("cut.gz", packed[:-3], "cut off")
        self.assert_refused("cut.json", good[:-3], "cut off")
        self.assert_refused("cut.eml", mail(packed)[:-20], "cut off")
        self.assert_refused("latin1.json", good.replace(b"Sender", b"S\xfcnder"), "UTF-8")
        self.assert_refused("nested.json", b'{"a":' + b"[" * (10 * MIB), "nested")
        self.assert_refused("text.json", good.replace(b"Sender Inc.", b"a" * (19 * MIB)), "64 KiB")
        self.assert_refused("key.json", good.replace(b"contact-info", b"a" * (19 * MIB)), "64 KiB")
        self.assert_refused("policies.json", json.dumps({**report(), "policies": [
            {**report()["policies"][0], "policy": {"policy-type": "sts", "policy-domain": str(i)}}
            for i in range(40_000)]}).encode(), "10000")
        bomb = base64.encodebytes(gzip.compress(b"{" + b" " * (300 * MIB), 9))
        self.assert_refused("bomb.eml", b"Content-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n" + bomb, "20 MiB")
        self.assert_refused("lines.eml", b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\n" + b"\n" * (25 * MIB), "cut off")

    def test_numbers_and_dates(self) -> None:
        good = text(successful=77)
        for number in (b"-1", b"-0", b"77.0", b"7e1", b"18446744073709551616", b'"77"', b"null", b"true"):
            self.assert_refused(f"{number.decode()}.json".replace('"', "q"), good.replace(b"77", number), "is not a whole number")
        for date in (b"1999-12-31", b"2100-01-01", b"2026-02-30"):
            self.assert_refused(f"{date.decode()}.json", good.replace(b"2026-01-31", date), "century")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
