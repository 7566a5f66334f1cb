"""What the scenarios do with a machine: packages, the unit, its journal, a policy in the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framework import expect
from machine import Machine, wait_for
from store_entry import entry, shard

CONFIGURATION = "/etc/mtasts/mtasts.toml"
STORE = "/var/lib/mtasts"
KEPT = "/etc/systemd/system/mtastsd.socket.d/10-kept-from-0.1.conf"
PATIENCE = 30.0


@dataclass(frozen=True)
class Releases:
    """Packages, outside of the machine."""

    first: Path  # 0.1.0
    this: Path
    next: Path


class Computer(Machine):
    """A new one for each scenario."""

    def __init__(self, suite: str, releases: Releases) -> None:
        super().__init__(suite)
        self.releases = releases

    def reset(self) -> None:
        self.stop()
        self.boot()

    def install(self, package: Path) -> str:
        """Of whatever version; what the package says."""
        name = f"/root/{package.name}"
        if not self.path(name).exists():
            self.path(name).write_bytes(package.read_bytes())
        return self.run("dpkg", "-i", name)

    def install_and_enable(self, package: Path) -> None:
        """As the guides say, with a policy for kept.test in the store."""
        self.install(package)
        self.remember("kept.test", entry("kept.test", "mx.kept.test"))
        self.run("systemctl", "enable", "--now", "mtastsd.socket", "mtastsd.service")

    def remember(self, domain: str, text: str) -> None:
        folder = f"{STORE}/{shard(domain)}"
        self.run("install", "-d", "-o", "_mtasts", "-g", "_mtasts", folder)
        self.write(f"{folder}/{domain}", text)
        self.run("chown", "_mtasts:_mtasts", f"{folder}/{domain}")

    def drop_in(self, unit: str, text: str) -> None:
        self.write(f"/etc/systemd/system/{unit}.d/50-test.conf", text)
        self.run("systemctl", "daemon-reload")

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    @property
    def main_pid(self) -> int:
        """In the machine's numbers; 0 when it does not run."""
        return int(self.show("mtastsd.service", "MainPID"))

    def is_active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", unit, check=False).strip() == "active"

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "-q", "--no-pager", "-o", "cat", "-u", unit)

    def expect_active(self, *units: str) -> None:
        for unit in units:
            expect(wait_for(lambda: self.is_active(unit), PATIENCE), f"{unit} should be active: {self.run('systemctl', 'status', unit, check=False)}")

    def expect_gone(self, *names: str) -> None:
        left = self.shell(f"ls -d {' '.join(names)} 2>/dev/null", check=False).split()
        expect(not left, f"these should be gone: {' '.join(left)}")

    def exists(self, name: str) -> bool:
        return self.shell(f"test -e {name} && echo yes", check=False) != ""
