"""Who may include whom (docs/architecture.md): prints each include that breaks the rule, exit 1 if there is one.

usage: include_rule.py SOURCE_ROOT
"""

import re
import sys
from pathlib import Path

ROOMS = {
    "core": set(),
    "dns": {"core"},
    "fetch": {"core"},
    "module": {"core", "dns", "fetch"},
    "adapters": {"core", "module"},
    "tests": {"core", "dns", "fetch", "module", "adapters"},
}
# A vendor's headers stay in the .cc files (and private headers named here) of one room.
VENDORS = {
    r"getdns/": ("dns", {"dns/getdns_loop.h", "dns/reply.h", "dns/upstream.h"}),
    r"(curl|openssl|gnutls)/": ("fetch", set()),
    r"toml\+\+/": ("module", set()),
    r"event2?[/.]": ("module", set()),
    r"CLI/": ("adapters", {"adapters/cli/options.h"}),
    r"libpsl\.h": ("module", set()),
    r"idn2\.h": ("core", set()),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def offence(path: str, target: str) -> str | None:
    room = path.split("/")[0]
    owner = target.split("/")[0]
    if owner in ROOMS and "/" in target:
        if owner != room and owner not in ROOMS[room]:
            return f"{room} must not include {owner}"
        if room == owner == "adapters" and path.split("/")[1] != target.split("/")[1]:
            return "no adapter knows another"
    for pattern, (home, headers) in VENDORS.items():
        if not re.match(pattern, target) or room == "tests":
            continue
        if room != home:
            return f"{target} belongs into {home}"
        if path.endswith(".h") and path not in headers:
            return f"{target} belongs into a .cc file"
    return None


def main() -> int:
    root = Path(sys.argv[1])
    found = 0
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".cc", ".h", ".c"):
                continue
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                include = INCLUDE.match(line)
                why = offence(name, include[1]) if include else None
                if why:
                    print(f"{name}:{number}: {include[1]}: {why}")
                    found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
