"""The policy file: its grammar, what it demands, and whether the domain's hosts meet it."""

from __future__ import annotations

from case import case, good
from cases_host import ONLY_IPV4
from checked_world import host
from topology import GOOD, SECOND
from web import PolicyHost

LINES = ["version: STSv1", "mode: enforce", f"mx: {GOOD}", "max_age: 2592000"]


def text(*lines: str, end: str = "\r\n") -> str:
    return "".join(line + end for line in lines)


case("lines that end with LF", good("lf.test", text=text(*LINES, end="\n")))
case("no end of the last line", good("noend.test", text=text(*LINES)[:-2]))
case("white space at the ends", good("white.test", text=text(*(f"{line} \t" for line in LINES))))
case("fields of extensions", good("extensions.test", text=text(*LINES, "more: text")))
case("a host in upper case", good("upper.test", text=text(*LINES[:2], f"mx: {GOOD.upper()}", LINES[3])))
case("a pattern", good("pattern.test", patterns=("*.mx.test",)))
case("a byte order mark", good("bom.test", text="\ufeff" + text(*LINES)), "policy-invalid c")
case("a page in the file's place",
     good("page.test", address=ONLY_IPV4, text="<!DOCTYPE html><html>", host=PolicyHost("page.test", content_type="text/html")),
     "host-content-type c", "policy-invalid c")
case("no version", good("noversion.test", text=text(*LINES[1:])), "policy-invalid c")
case("no mode", good("nomode.test", text=text(LINES[0], *LINES[2:])), "policy-invalid c")
case("no max_age", good("noage.test", text=text(*LINES[:3])), "policy-invalid c")
case("no mx", good("nomx.test", text=text(*LINES[:2], LINES[3])), "policy-invalid c")

case("mode none", good("modenone.test", mode="none"), "policy-mode-none i")
case("mode testing", good("modetesting.test", mode="testing"), "policy-testing i")
case("a max_age of a week", good("week.test", max_age=604800), "policy-max-age-short w")
case("a max_age of an hour", good("hour.test", max_age=3600), "policy-max-age-short c")
case("a max_age of an hour in testing", good("testinghour.test", mode="testing", max_age=3600), "policy-testing i")
case("a max_age of three years", good("years.test", max_age=94608000), "policy-max-age-capped w")
case("a host that no pattern allows", good("missing.test", mx=(GOOD, SECOND), patterns=(GOOD,)), "policy-mx-missing c")
case("a host that no pattern allows, in testing", good("testingmissing.test", mode="testing", mx=(GOOD, SECOND), patterns=(GOOD,)),
     "policy-mx-missing w", "policy-testing i")
case("a pattern that no host needs", good("unused.test", patterns=(GOOD, SECOND)), "policy-mx-unused i")
BROAD = host("broad.test", "198.51.100.62")
case("a pattern below a public suffix", good("broad.test", mx=(BROAD,), patterns=("*.test",), records="@ A 198.51.100.62"),
     "policy-mx-broad w")
