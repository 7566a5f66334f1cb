"""A mail server in a root of its own (chroot.py) that asks mtastsd, which runs outside of it."""

from __future__ import annotations

from pathlib import Path

from chroot import Chroot
from mail_server import MailServer
from mtastsd import Mtastsd



class SocketmapServer(MailServer):
    """The server logs to /dev/log; mtastsd has a log of its own, which are the `words`. `LISTEN` is where the server's example asks beside
    the socket that mtastsd has by default."""

    section = "socketmap"
    LISTEN = 'listen = ["unix:/run/mtasts/socketmap.sock", "inet:127.0.0.1:8461"]\n'

    def __init__(self, tree: Path) -> None:
        super().__init__()
        self.root = Chroot(tree)
        self.mtastsd = Mtastsd(Path("/lab/mtastsd"))

    @property
    def words(self) -> list[str]:
        return self.mtastsd.lines

    def install_module(self, build: Path) -> None:
        super().install_module(build)
        self.root.take_machine_files()
        self.mtastsd.install()
        self.write_module_configuration("")

    def write_module_configuration(self, text: str) -> None:
        """With LISTEN, unless the test says itself where to listen. The numbers of its lines stay, but for those of [socketmap]."""
        if "[socketmap]\nlisten =" not in text:
            text = text.replace("[socketmap]\n", f"[socketmap]\n{self.LISTEN}") if "[socketmap]\n" in text else f"{text}[socketmap]\n{self.LISTEN}"
        super().write_module_configuration(text)

    def set_module_configuration(self, text: str) -> None:
        """As after "systemctl restart mtastsd"."""
        super().set_module_configuration(text)
        self.mtastsd.stop()
        self.mtastsd.start()

    def forget_policies(self) -> None:
        """The store, and what the daemon has in memory."""
        self.mtastsd.stop()
        super().forget_policies()
        self.mtastsd.start()

    def reset(self) -> None:
        self.write_module_configuration("")
        self.forget_policies()

    def stop(self) -> None:
        self.mtastsd.stop()

    def mark(self) -> int:
        return len(self.log_socket.lines)

    def log(self, since: int = 0) -> list[str]:
        return self.log_socket.lines[since:]
