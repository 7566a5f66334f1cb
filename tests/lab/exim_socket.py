"""The sending side: an Exim of any build, in a root of its own (chroot.py), that asks mtastsd by ${readsocket}."""

from __future__ import annotations

import grp
import os
import socket
from pathlib import Path

from chroot import PLACE, Chroot
from mail_server import MailServer
from mtastsd import RUN_FOLDER, Mtastsd
from sender import Sender
from world import World

SOCKET = Path(RUN_FOLDER, "exim.sock")
FOLDERS = ("/etc/exim4", "/var/spool/exim4", "/var/log/exim4", "/var/lib/exim4", "/var/mail")


class SocketSender(Sender):
    """mtastsd's log are the `words`. Its socket is opened by who stands for systemd, for Exim's group alone."""

    folder = "exim-socket"
    counted_as = "exim"

    def __init__(self, tree: Path) -> None:
        super().__init__()
        self.root = Chroot(tree)
        self.mtastsd = Mtastsd(Path("/lab/mtastsd"))
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    @property
    def words(self) -> list[str]:
        return self.mtastsd.lines

    def install(self) -> None:
        self.root.mount()
        for folder in FOLDERS:
            self.root.path(folder).mkdir(parents=True, exist_ok=True)
            self.root.share(folder)
        _stand_in(Path("/usr/sbin/exim4"))
        super().install()

    def configure(self) -> None:
        self.root.take_machine_files()
        super().configure()

    def exim(self, *arguments: str, text: str = "") -> str:
        self.root.take_machine_files()
        return super().exim(*arguments, text=text)

    def command(self, user: str, *arguments: str) -> list[str]:
        self.root.take_machine_files()
        return ["chroot", f"--userspec={user}:{user}", str(PLACE), "/usr/sbin/exim4", *arguments]

    def mode_of(self, domain: str) -> str:
        answer = f"${{readsocket{{{SOCKET}}}{{mode ${{quote:{domain}}}\\n}}{{30s}}{{}}}}"
        return self.exim("-be", f"${{if match{{{answer}}}{{^OK (.*)}}{{$1}}{{Failed: {answer}}}}}")

    def install_module(self, build: Path) -> None:
        super().install_module(build)
        self.mtastsd.install()
        self.listen()
        self.start_daemon()

    def listen(self) -> None:
        """As mtastsd-exim.socket does it; in vain while mtastsd is not started."""
        SOCKET.unlink(missing_ok=True)
        self.listening.close()
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(SOCKET))
        os.chown(SOCKET, 0, grp.getgrnam("Debian-exim").gr_gid)
        os.chmod(SOCKET, 0o660)
        self.listening.listen(1024)

    def close(self) -> None:
        """As after "systemctl stop" of socket and service: nobody listens."""
        self.mtastsd.stop()
        self.listening.close()
        SOCKET.unlink()

    def start_daemon(self) -> None:
        self.mtastsd.start([self.listening], names=["exim"])

    def set_module_configuration(self, text: str) -> None:
        """As after "systemctl restart mtastsd"."""
        super().set_module_configuration(text)
        self.mtastsd.stop()
        self.start_daemon()

    def forget_policies(self) -> None:
        """The store, and what the daemon has in memory."""
        self.mtastsd.stop()
        MailServer.forget_policies(self)
        self.start_daemon()

    def stop(self) -> None:
        self.mtastsd.stop()


def _stand_in(exim: Path) -> None:
    """Whoever starts Exim starts the one of the root, but for the receivers of the lab."""
    receivers = exim.rename(exim.with_name("exim4.of-receivers"))
    exim.write_text(f'#!/bin/sh\n[ "$1 $2" != "-C /lab/mx/exim.conf" ] || exec {receivers} "$@"\nexec chroot {PLACE} {exim} "$@"\n', encoding="ascii")
    exim.chmod(0o755)


def exim_by_socket(world: World) -> SocketSender:
    """The sender of a world that was made with one."""
    assert isinstance(world.sender, SocketSender)
    return world.sender
