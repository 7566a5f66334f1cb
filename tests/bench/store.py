#!/usr/bin/python3
"""What the store costs with few and with many domains, a twentieth of them with a policy.

    tests/bench/store.py --build build/release [--domains N ...] [--folder DIRECTORY]

The folder should be on the kind of disk that a store is on; it needs some gigabytes and 1.1 million inodes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def measure(build: Path, folder: Path | None, domains: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="mtasts-bench-", dir=folder) as store:
        result = subprocess.run([str(build / "tests/bench/bench_store"), store, str(domains)], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise SystemExit(f"bench: the store could not be filled: {result.stderr}")
        return dict(line.split(" ", 1) for line in result.stdout.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(description="what the store costs")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--domains", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    columns = [measure(options.build.resolve(), options.folder, count) for count in options.domains]
    print(f"{'domains':18}" + "".join(f"{count:>18}" for count in options.domains))
    for name in columns[0]:
        print(f"{name:18}" + "".join(f"{column[name]:>18}" for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
