"""Who may include whom (docs/architecture.md): prints each include that breaks the rule and each circle, exit 1 if there is one.

usage: include_rule.py SOURCE_ROOT
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOMS: dict[str, set[str]] = {
    "core": set(),
    "dns": {"core"},
    "fetch": {"core"},
    "module": {"core", "dns", "fetch"},
    "adapters": {"core", "module"},
    "tests": {"core", "dns", "fetch", "module", "adapters"},
}
# Inside module/: each includes those before it. What lies in module/ itself comes last.
FLOORS = ["io", "store", "tlsrpt", "trial", "config", "engine", "helper", "server"]
# Of the rooms in module/ these know headers of dns/ and fetch/: the engine libraries are made of both, and keys of
# mtasts.toml set their options.
NETWORK = {
    "engine": {"dns/ad_trust.h", "dns/resolver.h", "dns/resolver_address.h", "fetch/fetcher.h", "fetch/inspector.h", "fetch/prober.h"},
    "config": {"dns/resolver.h", "dns/resolver_address.h", "dns/server_questions.h", "fetch/fetcher.h", "fetch/prober.h"},
}
# The one adapter that puts others together.
COMPOSER = "mtastsd"
# A vendor's headers stay in the .cc files of one room.
VENDORS = {
    r"getdns/": "dns",
    r"(curl|openssl(?!/sha\.h)|gnutls)/": "fetch",
    r"openssl/sha\.h": "adapters/cli",
    r"toml\+\+/": "module/config",  # and EXCEPTIONS
    r"event2?[/.]": "module/io",
    r"CLI/": "adapters",
    r"zlib\.h": "adapters/cli/report",
    r"libpsl\.h": "module/engine",
    r"idn2\.h": "core",
}
# The list of `mtasts publish` is TOML that no daemon reads.
EXCEPTIONS = {("adapters/cli/publish/list.cc", "toml++/toml.h")}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def floor(path: str) -> int:
    parts = path.split("/")
    return FLOORS.index(parts[1]) if len(parts) > 2 else len(FLOORS)


def offence(path: str, target: str) -> str | None:
    room = path.split("/")[0]
    owner = target.split("/")[0]
    if owner in ROOMS and "/" in target:
        if owner != room and owner not in ROOMS[room]:
            return f"{room} must not include {owner}"
        if room == "module" and owner in ("dns", "fetch") and target not in NETWORK.get(path.split("/")[1], set()):
            return f"of {owner}/ each room of module/ may include what it needs: see NETWORK"
        if room == owner == "adapters" and path.split("/")[1] not in (COMPOSER, target.split("/")[1]):
            return "no adapter knows another"
        if room == owner == "module" and floor(target) > floor(path):
            return f"module/ is built in this order: {', '.join(FLOORS)}, the rest"
    for pattern, home in VENDORS.items():
        if not re.match(pattern, target) or room == "tests" or (path, target) in EXCEPTIONS:
            continue
        if not path.startswith(f"{home}/"):
            return f"{target} belongs into {home}"
        if path.endswith(".h"):
            return f"{target} belongs into a .cc file"
    return None


def circle(path: str, includes: dict[str, list[str]], way: list[str], done: set[str]) -> list[str]:
    """The files that include each other, beginning with `path` or a file that it includes; none where there is no circle."""
    if path in way:
        return way[way.index(path):] + [path]
    if path in done:
        return []
    for target in includes.get(path, []):
        if found := circle(target, includes, [*way, path], done):
            return found
    done.add(path)
    return []


def sources(root: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Each file with its includes: line numbers and targets."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".cc", ".h", ".c"):
                lines = enumerate(path.read_text().splitlines(), 1)
                yield path.relative_to(root).as_posix(), [(number, found[1]) for number, line in lines if (found := INCLUDE.match(line))]


def main() -> int:
    found = 0
    includes = {}
    for path, targets in sources(Path(sys.argv[1])):
        includes[path] = [target for _, target in targets]
        for number, target in targets:
            if why := offence(path, target):
                print(f"{path}:{number}: {target}: {why}")
                found += 1
    done: set[str] = set()
    for path in list(includes):
        if files := circle(path, includes, [], done):
            print(f"a circle: {' → '.join(files)}")
            return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
