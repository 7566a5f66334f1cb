"""Control groups of its own for what boots a machine: systemd-nspawn puts each machine below the group of its caller, in "payload". Two that run
at the same time would share the group of each unit, with processes that the other cannot see; systemd then fails to stop a unit ("Input/output
error"), and its next process finds the socket taken.

    group = OwnCgroup(); subprocess.run(group.command([…])); group.remove()
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Iterator, Sequence

from process import wait_for

PATIENCE = 10.0
_ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'


class OwnCgroup:
    """Where the hierarchies of systemd may not be written there is none, as before."""

    def __init__(self) -> None:
        self._folders: list[str] = []
        name = f"mtasts-machine-{uuid.uuid4().hex}"  # the same in both hierarchies: systemd-nspawn makes the groups of one in the other, too
        for parent in _places():
            with contextlib.suppress(OSError):
                (parent / name).mkdir()
                self._folders.append(str(parent / name))

    def command(self, words: Sequence[str]) -> list[str]:
        """Runs it there."""
        return ["sh", "-c", _ENTER, "sh", *self._folders, "--", *words]

    def remove(self) -> None:
        """When its processes have been killed; the kernel may need a moment more for them."""
        for folder in self._folders:
            wait_for(lambda: _is_removed(folder), PATIENCE)  # pylint: disable=cell-var-from-loop


def _is_removed(folder: str) -> bool:
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(place)
    return not os.path.exists(folder)


def _places() -> Iterator[Path]:
    """This process's group in the hierarchies that systemd has: that of version 2, and its own one of version 1."""
    mounts = [line.split()[1:4] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, place = line.split(":", 2)
        for point, kind, options in mounts:
            if (kind, controllers) == ("cgroup2", "") or (kind == "cgroup" and controllers == "name=systemd" and controllers in options.split(",")):
                yield Path(point + place)
