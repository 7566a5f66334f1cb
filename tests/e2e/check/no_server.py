"""A machine without a mail server: mtasts alone."""

from __future__ import annotations

from mail_server import MODULE_CONFIGURATION, MailServer, Outcome


class NoServer(MailServer):
    """Sends nothing."""

    def install(self) -> None:
        pass

    def add_examples(self) -> None:
        pass

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str) -> None:
        raise NotImplementedError

    def queue_run(self) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        MODULE_CONFIGURATION.unlink(missing_ok=True)

    def mark(self) -> int:
        return 0

    def log(self, since: int = 0) -> list[str]:
        return []

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        return {}
