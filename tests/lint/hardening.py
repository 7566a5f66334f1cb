"""What is shipped is built to resist errors in memory: prints what is missing, exit 1 if something is.

usage: hardening.py [--unoptimized] SHIPPED... --engines ENGINE... --objects ARCHIVE-OR-OBJECT...

Programs and shared objects are looked at as they are loaded: position independent, all addresses of other objects resolved
before the start and read-only afterwards, no stack or other memory both written and executed, stack protector, fortified
functions (a compiler that does not optimize, --unoptimized, cannot have them) and probes of large stack frames. The engine
libraries have neither arrays that the C library fills nor large frames. Marks for indirect branches (CET, BTI) are looked
for in the objects: Debian 12's own start files have none, so the programs cannot.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

# What a frame larger than a page does to each page before it is used.
STACK_PROBE = {"X86-64": r"or[bwlq]\s+\$0x0,(0x[0-9a-f]+)?\(%[re]\w+\)", "AArch64": r"str\s+xzr, \[sp(, #\d+)?\]"}
BRANCH_MARKS = {"X86-64": "x86 feature: IBT, SHSTK", "AArch64": "AArch64 feature: BTI, PAC"}


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def machine(headers: str) -> str:
    return next(name for name in STACK_PROBE if name in headers)


def missing_in_file(path: str) -> Iterator[str]:
    headers = output("readelf", "--wide", "--file-header", "--program-headers", path)
    dynamic = output("readelf", "--wide", "--dynamic", path)
    symbols = output("nm", "--dynamic", "--undefined-only", path)
    if "Type:                              DYN" not in headers or ("INTERP" in headers and " PIE" not in dynamic):
        yield "is not position independent"
    if "GNU_RELRO" not in headers or "BIND_NOW" not in dynamic:
        yield "resolves addresses after its start (full RELRO is -z relro -z now)"
    if not re.search(r"GNU_STACK .* RW +0x", headers):
        yield "has a stack that can be executed"
    if re.search(r"LOAD .* RWE", headers) or "TEXTREL" in dynamic:
        yield "has memory that is written and executed"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "looks for libraries in folders of its own"
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"


def missing_around_arrays(path: str, optimized: bool) -> Iterator[str]:
    headers = output("readelf", "--file-header", path)
    if optimized and not re.search(r" __(?!stack_)\w+_chk\b", output("nm", "--dynamic", "--undefined-only", path)):
        yield "has no fortified functions"
    if not re.search(STACK_PROBE[machine(headers)], output("objdump", "--disassemble", "--no-show-raw-insn", path)):
        yield "does not probe large stack frames"


def unmarked_objects(path: str) -> Iterator[str]:
    mark = BRANCH_MARKS[machine(output("readelf", "--file-header", path))]
    notes = re.split(r"^File: ", output("readelf", "--wide", "--notes", path), flags=re.MULTILINE)
    for one in notes[1:] or notes:
        if mark not in one:
            yield f"{one.splitlines()[0] if notes[1:] else path} is not marked: {mark}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("shipped", nargs="+")
    parser.add_argument("--engines", nargs="*", default=[])
    parser.add_argument("--objects", nargs="+", required=True)
    parser.add_argument("--unoptimized", action="store_true")
    options = parser.parse_args()
    found = [f"{path} {what}" for path in options.shipped + options.engines for what in missing_in_file(path)]
    found += [f"{path} {what}" for path in options.shipped for what in missing_around_arrays(path, not options.unoptimized)]
    found += [what for path in options.objects for what in unmarked_objects(path)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
