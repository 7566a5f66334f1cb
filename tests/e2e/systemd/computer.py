"""What the scenarios do with a machine: packages, the unit, its journal, a policy in the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from framework import expect
from machine import Machine, add_layer
from process import wait_for
from store_entry import entry, shard

CONFIGURATION = "/etc/mtasts/mtasts.toml"
STORE = "/var/lib/mtasts"
KEPT = "/etc/systemd/system/mtastsd.socket.d/10-kept-from-0.1.conf"
PATIENCE = 30.0


@dataclass(frozen=True)
class Release:
    """Its packages by their names, outside of the machine."""

    packages: Mapping[str, Path]

    @classmethod
    def in_folder(cls, folder: Path) -> Release:
        return cls({package.name.split("_")[0]: package for package in sorted(folder.glob("*.deb"))})

    def of(self, *names: str) -> Release:
        return Release({name: self.packages[name] for name in names})

    def and_of(self, other: Release, *names: str) -> Release:
        return Release({**self.packages, **other.of(*names).packages})

    def without(self, *names: str) -> Release:
        return Release({name: package for name, package in self.packages.items() if name not in names})


# Of this release, and not installed unless a scenario says so: each asks for something that not every machine has.
OPTIONAL = ("mtasts-engine-gnutls", "mtasts-exim", "libmtasts-dev", "exim4-daemon-heavy")


@dataclass(frozen=True)
class Releases:
    first: Release  # 0.1.0, which was one package
    second: Release  # 0.2.0, too
    this: Release
    next: Release
    optional: Release  # of this release
    optional_next: Release

    @classmethod
    def below(cls, folder: Path) -> Releases:
        first, second, this, following = (Release.in_folder(folder / name) for name in ("0.1.0", "0.2.0", "this", "next"))
        return cls(first, second, this.without(*OPTIONAL), following.without(*OPTIONAL), this.of(*OPTIONAL),
                   Release({name: package for name, package in following.packages.items() if name in OPTIONAL}))


class Computer(Machine):
    """A new one for each scenario."""

    def __init__(self, suite: str, releases: Releases) -> None:
        super().__init__(suite)
        self.releases = releases

    def reset(self) -> None:
        self.stop()
        self.layer = None
        self.boot()

    def boot_with(self, *wanted: str, purpose: str = "") -> None:
        """A new one, on which these packages of Debian are installed."""
        self.stop()
        self.layer = add_layer(self.suite, wanted, purpose)
        self.boot()

    def install(self, release: Release) -> str:
        """Of whatever version, by one call of dpkg, with its rights as apt has them; what the packages say."""
        names = []
        for package in release.packages.values():
            name = f"/root/{package.name}"
            if not self.path(name).exists():
                self.path(name).write_bytes(package.read_bytes())
            names.append(name)
        return self.run("dpkg", "--auto-deconfigure", "-i", *names)

    @property
    def ours(self) -> list[str]:
        """Names of our packages, also of removed ones that have not been purged."""
        known = self.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", "*mtasts*").splitlines()
        return [line.split()[1] for line in known if line.split()[0] != "not-installed"]

    def uninstall(self, *options: str) -> str:
        """All packages of ours, as "apt remove mtasts" does."""
        return self.run("dpkg", *(options or ("-r",)), *self.ours)

    def expect_verified(self) -> None:
        """Every file of our packages is there as they brought it."""
        found = self.run("dpkg", "--verify", *self.ours, check=False)
        expect(not found, f"dpkg --verify should have nothing to say: {found}")

    def install_and_enable(self, release: Release) -> None:
        """As the guides say, with a policy for kept.test in the store."""
        self.install(release)
        self.cache("kept.test", entry("kept.test", "mx.kept.test"))
        self.run("systemctl", "enable", "--now", "mtastsd.socket", "mtastsd.service")

    def cache(self, domain: str, text: str) -> None:
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
