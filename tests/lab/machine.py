"""A Debian machine with a systemd of its own: booted in a container, thrown away afterwards.

    demand(); prepare(suite, packages)       # outside: debootstrap once, afterwards instant
    inside_namespaces(command)               # run the rest there; nothing outlives it, even when killed
    machine = Machine(suite); machine.boot(); machine.run("systemctl", "start", "x.service"); machine.stop()
    machine.layer = add_layer(suite, ["postfix"])   # the next boot has it installed as well

The root of a suite stays below .lab/machines and is never written by a machine: each has a layer of its own in memory.
The network is `lo` alone. Commands run in the machine's namespaces as root; nothing is installed on the host.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Sequence

import packages
import roots
from cgroup import OwnCgroup
from packages import LabError
from process import dying_with_parent, wait_for

FOLDER = packages.REPOSITORY / ".lab" / "machines"
STAGE = Path("/mnt")  # in the namespaces only
BASE = ("systemd", "systemd-sysv", "dbus", "iproute2", "ca-certificates", "adduser")
PATIENCE = 60.0
BOOT_PATIENCE = 300.0  # on a busy machine; it is not waited for longer than it takes
NAMESPACES = dying_with_parent(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
# Those of systemd's own that have something to do in a container. The others are for disks and boot options, and each "daemon-reload" would start them all.
GENERATORS = ("systemd-fstab-generator", "systemd-getty-generator", "systemd-sysv-generator")
_CLONE_NEWNET = 0x40000000


def demand() -> None:
    """Raises LabError when no machine can be booted here."""
    if os.geteuid() != 0:
        raise LabError("booting a container needs root")
    trial = subprocess.run([*NAMESPACES, "mount", "-t", "tmpfs", "lab", "/mnt"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        raise LabError(f"namespaces or mounts are refused on this machine ({trial.stderr.strip() or 'no reason given'})")
    for tool in ("systemd-nspawn", "debootstrap", "nsenter"):
        if shutil.which(tool) is None:
            raise LabError(f"{tool} is not on this machine; ./dev test installs it")


def prepare(suite: str, wanted: Sequence[str]) -> Path:
    """The root of a Debian suite with these packages. Raises LabError when the network does not allow it."""
    root = FOLDER / suite
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{suite}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wish = root / packages.STAMP, f"wanted: {' '.join(wanted)}\n"
        if not (stamp.exists() and stamp.read_text(encoding="ascii") == wish):
            _bootstrap(suite, root, wanted)
            stamp.write_text(wish, encoding="ascii")
    return root


def _bootstrap(suite: str, root: Path, wanted: Sequence[str]) -> None:
    print(f"lab: installing Debian {suite} with systemd into {root} (nothing is installed on this machine)", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    log = FOLDER / f"{suite}.log"
    install = "apt-get install -q -y --no-install-recommends " + " ".join(wanted)
    cleaning = "apt-get clean; rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*"
    steps = [["debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", suite, str(root), roots.mirror()],
             ["chroot", str(root), "sh", "-c", f"export DEBIAN_FRONTEND=noninteractive; {install} && {{ {cleaning}; }}"]]
    with open(log, "wb") as told:
        for step in steps:
            if subprocess.run(step, stdin=subprocess.DEVNULL, stdout=told, stderr=told, check=False).returncode != 0:
                raise LabError(f"Debian {suite} could not be installed into {root}; see {log}")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="ascii")


# The layer is written in memory and copied: not every file system can hold the upper layer of an overlay. What packages install is not
# started.
_ADD_LAYER = """
mount -t tmpfs -o mode=755 lab /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" lab /mnt/root
mount -t proc proc /mnt/root/proc
printf '#!/bin/sh\nexit 101\n' >/mnt/root/usr/sbin/policy-rc.d
chmod +x /mnt/root/usr/sbin/policy-rc.d
cp /etc/resolv.conf /mnt/root/etc/resolv.conf
cp -r /etc/apt/apt.conf.d /mnt/root/etc/apt/
layer=$2
shift 2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
chroot /mnt/root sh -ec 'apt-get update -q; apt-get install -q -y --no-install-recommends "$@"; apt-get clean' sh "$@"
umount /mnt/root/proc /mnt/root
rm -rf /mnt/upper/usr/sbin/policy-rc.d /mnt/upper/etc/resolv.conf /mnt/upper/etc/apt /mnt/upper/var/lib/apt/lists
cp -a /mnt/upper "$layer"
"""


def add_layer(suite: str, wanted: Sequence[str], purpose: str = "") -> Path:
    """What these packages add to the root of a suite that is prepared. Of those that begin with the same one, each `purpose` has its own
    layer. Raises LabError when the network does not allow it."""
    base, layer = FOLDER / suite, FOLDER / "+".join(filter(None, (suite, wanted[0], purpose)))
    with open(FOLDER / f"{layer.name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = FOLDER / f"{layer.name}.stamp"
        wish = f"wanted: {' '.join(wanted)} over {(base / packages.STAMP).stat().st_mtime_ns}\n"
        if not (stamp.exists() and stamp.read_text(encoding="ascii") == wish):
            print(f"lab: installing {wanted[0]} of Debian {suite} into {layer} (nothing is installed on this machine)", flush=True)
            shutil.rmtree(layer, ignore_errors=True)
            log = FOLDER / f"{layer.name}.log"
            with open(log, "wb") as told:
                if subprocess.run([*NAMESPACES, "sh", "-ec", _ADD_LAYER, "sh", str(base), str(layer), *wanted], stdin=subprocess.DEVNULL, stdout=told,
                                  stderr=told, check=False).returncode != 0:
                    raise LabError(f"{wanted[0]} could not be installed over Debian {suite}; see {log}")
            stamp.write_text(wish, encoding="ascii")
    return layer


def inside_namespaces(command: Sequence[str], pass_fds: Sequence[int] = ()) -> int:
    """Runs `command` where it may boot machines, and returns its exit code."""
    collecting_orphans = ["sh", "-c", '"$@"; exit $?', "sh"]  # as process 1
    group = OwnCgroup()
    try:
        return subprocess.run(group.command([*NAMESPACES, *collecting_orphans, *command]), pass_fds=pass_fds, check=False).returncode
    finally:
        group.remove()


def _forget_other_machines() -> None:
    """Newer versions of systemd-nspawn refuse to start beside what an earlier machine left, and where that is on a disk, as in a chroot."""
    nspawn = Path("/run/systemd/nspawn")
    nspawn.mkdir(parents=True, exist_ok=True)
    if nspawn.is_mount():
        subprocess.run(["umount", "--lazy", "--recursive", str(nspawn)], check=True)
    _mount("-t", "tmpfs", "-o", "mode=755", "lab", str(nspawn))


class Machine:
    """One at a time in each set of namespaces."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.layer: Path | None = None  # of add_layer()
        self.leader = 0  # the process number of its systemd
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._root = STAGE / "root"

    def boot(self) -> None:
        """A new machine, or the same one again after power_off()."""
        if not self._root.is_mount():
            self._lay_over()
        _forget_other_machines()
        with open(STAGE / "console", "ab") as console:
            self._nspawn = subprocess.Popen(
                dying_with_parent(["systemd-nspawn", "-D", str(self._root), "--boot", "--private-network",
                                   # Which a machine of its own has, and a container by default has not.
                                   "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self", "--register=no", "--keep-unit",
                                   "--resolv-conf=off", "--timezone=off", "--hostname=lab", "-q"]),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        if not wait_for(self._is_up, BOOT_PATIENCE):
            raise LabError(f"systemd did not start: {self._last_words()}")

    def _lay_over(self) -> None:
        _mount("-t", "tmpfs", "-o", "mode=755", "lab", str(STAGE))
        for name in ("upper", "work", "root"):
            (STAGE / name).mkdir()
        lower = f"{self.layer}:{FOLDER / self.suite}" if self.layer else str(FOLDER / self.suite)
        _mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={STAGE}/upper,workdir={STAGE}/work", "lab", str(self._root))
        masks = self._root / "etc/systemd/system-generators"
        masks.mkdir(exist_ok=True)
        for generator in (self._root / "usr/lib/systemd/system-generators").glob("systemd-*-generator"):
            if generator.name not in GENERATORS:
                (masks / generator.name).symlink_to("/dev/null")

    def _is_up(self) -> bool:
        assert self._nspawn
        if self._nspawn.poll() is not None:
            raise LabError(f"systemd-nspawn ended: {self._last_words()}")
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text(encoding="ascii").split()
        self.leader = int(children[0]) if children else 0
        if not self.leader:
            return False
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def power_off(self) -> None:
        """What it has on its disk stays."""
        if self._nspawn is None:
            return
        self._nspawn.terminate()
        try:
            self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
        self._nspawn = None

    def stop(self) -> None:
        """Pulls the plug; nothing of it is left."""
        self._kill()
        if self._root.is_mount():
            _umount(self._root)
            _umount(STAGE)

    def _kill(self) -> None:
        if self._nspawn is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if self.leader:
                os.kill(self.leader, signal.SIGKILL)  # process 1 of its namespace: the kernel kills the others
        self._nspawn.kill()
        self._nspawn.wait()
        self._nspawn = None
        wait_for(lambda: not Path(f"/proc/{self.leader}").exists(), PATIENCE)

    def command(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", *words]

    def run(self, *words: str, text: str = "", check: bool = True) -> str:
        """Standard output and error together, in the order in which they were written."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root",
                       "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        result = subprocess.run(self.command(*words), input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment, check=False)
        if check and result.returncode != 0:
            raise LabError(f"{' '.join(words)} failed in the machine: {result.stdout.strip()}")
        return result.stdout

    def shell(self, script: str, check: bool = True) -> str:
        return self.run("sh", "-c", script, check=check)

    def start_process(self, *words: str) -> subprocess.Popen[bytes]:
        """Runs until it ends or the machine does."""
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self, name: str) -> Path:
        """A file of the machine, its /run included, as seen from here. Links in it are not followed rightly: ask the machine."""
        return Path(f"/proc/{self.leader}/root") / name.lstrip("/")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, encoding="utf-8")

    def enter_network(self) -> None:
        """The calling thread's sockets are the machine's from now on."""
        with open(f"/proc/{self.leader}/ns/net", "rb") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET) != 0:
                raise LabError(f"the machine's network cannot be entered: {os.strerror(ctypes.get_errno())}")

    def _last_words(self) -> str:
        lines = (STAGE / "console").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _mount(*words: str) -> None:
    result = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"mount {' '.join(words)} is refused: {result.stderr.strip()}")


def _umount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)
