"""What account needs from outside."""

from typing import Protocol

from gbike.services.account.domain import About


class Sender(Protocol):
    """How a person is reached. Failure is the sender's to tell, and never the caller's trouble."""

    async def send_reset(self, userid: int, contact: str, token: str, expires_ms: int) -> None:
        """Bring a reset token to the contact that the account has proved."""

    async def send_code(self, userid: int, contact: str, code: str, expires_ms: int) -> None:
        """Bring a code to the contact that the account has yet to prove."""

    async def send_invitation(self, invitationid: int, contact: str, link: str, expires_ms: int) -> None:
        """Bring a link to the contact that is invited."""

    async def forget(self, userid: int) -> None:
        """Take back what lies ready for a person who was erased."""

    async def send_notice(self, userid: int, contact: str, about: About) -> None:
        """Tell the person, by the contact that the account has proved, what was done."""
