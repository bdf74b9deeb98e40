"""Letters as e-mail. Nobody who asks for something waits for it: letters wait in memory, some minutes at most, and what
the server does not take, or what waits when the process ends, goes to the file beside it.

A reset is a secret until it is used, so nothing is logged of a letter but what it is about, and of the server but how
it failed."""

import asyncio
import math
import smtplib
import socket
import ssl
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from gbike.kit.clock import Clock
from gbike.kit.settings import BadSetting
from gbike.kit.telemetry import log
from gbike.services.account.clients.letter_file import LetterFile
from gbike.services.account.clients.mail import Letter
from gbike.services.account.domain import About

ANSWER_S, WHOLE_S = 10, 30
"""How long the server may take for one answer, and for a letter."""
GIVE_UP_MS = 120_000
"""After so long a letter goes to the file, while what is in it is still good."""
AGAIN_S = 5
MOST_WAITING = 1_000
"""Letters in memory; one more goes to the file."""
PORTS = {"smtp": 587, "smtps": 465}
ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
SUBJECTS = {
    "password reset": "gbike 비밀번호 재설정 · Your new gbike password",
    "contact code": "gbike 연락처 확인 코드 · Your gbike code",
    "invitation": "gbike 초대 · You are invited to gbike",
    About.OVERDUE: "gbike 반납 알림 · Your gbike ride",
}
NOTICE = "gbike 계정 알림 · About your gbike account"


@dataclass(frozen=True)
class MailServer:
    """Where letters go out, and in whose name. `tls`: from the first byte on, else by STARTTLS."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    sender: str


def mail_server(url: str, sender: str) -> MailServer:
    """`url`: smtp[s]://user:password@host:port. Raises BadSetting, which does not show it: it has a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSetting("GBIKE_SMTP_URL is not smtp://user:password@host:port or smtps://…, with %40 for an @ in it")
    if "@" not in parseaddr(sender)[1]:
        raise BadSetting(f"GBIKE_MAIL_FROM={sender!r}: with GBIKE_SMTP_URL it is the address that letters come from")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname, port, parts.scheme == "smtps", user, password, sender=sender)


@dataclass(frozen=True, slots=True)
class _Waiting:
    letter: Letter
    contact: str
    since_ms: float


class Mailer:
    """Post: to e-mail addresses by a mail server, and all else to the file."""

    def __init__(self, server: MailServer, file: LetterFile, clock: Clock, within_s: float = WHOLE_S) -> None:
        self._server, self._file = server, file
        self._clock, self._within_s = clock, within_s
        self._thread = ThreadPoolExecutor(1, "mail")
        self._waiting: deque[_Waiting] = deque()
        self._woken = asyncio.Event()
        self._failed = False
        self._under_way: _Waiting | None = None
        self._erased = False
        """Whether the person to whom it goes was erased since."""

    def bring(self, letter: Letter, contact: str) -> None:
        """See Post.bring."""
        if "@" not in contact or len(self._waiting) >= MOST_WAITING:
            self._file.bring(letter, contact)
            return
        self._waiting.append(_Waiting(letter, contact, self._clock.monotonic_ms()))
        self._woken.set()

    def forget(self, whom: str) -> None:
        """See Post.forget."""
        self._waiting = deque(one for one in self._waiting if one.letter.to != whom)
        self._erased = self._erased or (self._under_way is not None and self._under_way.letter.to == whom)
        self._file.forget(whom)

    async def step(self) -> int:
        """Send the letter that has waited longest. Answers 0, so that whoever drives us only ever waits in `wait`, and
        what waits when it ends is kept."""
        self._failed = False
        if not self._waiting:
            return 0
        one = self._waiting.popleft()
        self._under_way, self._erased = one, False
        try:
            await self._send(_message(one, self._server.sender, self._clock.now_ms()), one.contact)
        except asyncio.CancelledError:
            if not self._erased:
                self._waiting.appendleft(one)
            self._give_up()
            raise
        except (OSError, MessageError, ValueError) as failure:  # all that smtplib raises is an OSError
            told: dict[str, object] = {"about": str(one.letter.about), "why": type(failure).__name__}
            told |= {"code": failure.smtp_code} if isinstance(failure, smtplib.SMTPResponseException) else {}
            if self._erased:
                log.warning("a letter to somebody who is erased is not sent", service="account", **told)
            elif _is_final(failure):
                log.error("the mail server took a letter not: it goes to the file", service="account", **told)
                self._file.bring(one.letter, one.contact)
            elif one.since_ms <= (late_ms := self._clock.monotonic_ms() - GIVE_UP_MS):
                log.error("the mail server takes no letters: they go to the file", service="account", **told)
                self._waiting.appendleft(one)
                self._give_up(late_ms)
            else:
                log.warning("a letter waits for the mail server", service="account", **told)
                self._waiting.append(one)
                self._failed = True
        return 0

    async def wait(self) -> None:
        """Until there is a letter, or it is time to try one again."""
        try:
            if self._failed:
                await asyncio.sleep(AGAIN_S)
            elif not self._waiting:
                self._woken.clear()
                await self._woken.wait()
        except asyncio.CancelledError:
            self._give_up()
            raise

    def _give_up(self, since_ms: float = math.inf) -> None:
        """What waits since then or longer is for the operator: each by itself would be tried for WHOLE_S, until
        nothing in the last ones is good. All of it when the process ends."""
        late = [one for one in self._waiting if one.since_ms <= since_ms]
        self._waiting = deque(one for one in self._waiting if one.since_ms > since_ms)
        for one in late:
            self._file.bring(one.letter, one.contact)

    async def _send(self, message: EmailMessage, contact: str) -> None:
        """Raises OSError (SMTPException is one), ValueError."""
        delivery = _Delivery(self._server)
        try:
            async with asyncio.timeout(self._within_s):
                await asyncio.get_running_loop().run_in_executor(self._thread, delivery.run, message, contact)
        finally:
            delivery.cut()


class _Delivery:
    """One letter's way to the server, in a thread."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def run(self, message: EmailMessage, contact: str) -> None:
        server, name = self._server, socket.gethostname()
        # The name of this machine is given, as smtplib would ask a name server for it; the server's is what its
        # certificate must name, which smtplib only keeps where it connects at once, when nobody could cut it off.
        smtp: smtplib.SMTP
        if server.tls:
            smtp = smtplib.SMTP_SSL(local_hostname=name, timeout=ANSWER_S, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(local_hostname=name, timeout=ANSWER_S)
        smtp._host = server.host  # type: ignore[attr-defined]
        self._smtp = smtp
        with smtp:
            code, said = smtp.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if not server.tls and server.host not in ON_THIS_MACHINE:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(message, parseaddr(server.sender)[1], [contact])

    def cut(self) -> None:
        """End it, wherever it is."""
        sock = self._smtp.sock if self._smtp is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _is_final(failure: Exception) -> bool:
    """Whether another try would fail as well: it was refused for good, or is nothing that can be sent."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in failure.recipients.values())
    if isinstance(failure, smtplib.SMTPResponseException):
        return failure.smtp_code >= 500
    return isinstance(failure, (MessageError, ValueError, smtplib.SMTPNotSupportedError))


def _message(one: _Waiting, sender: str, now_ms: int) -> EmailMessage:
    """Raises MessageError, ValueError."""
    message = EmailMessage()
    name, address = parseaddr(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=one.contact)
    message["Subject"] = SUBJECTS.get(one.letter.about, NOTICE)
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms // 1000, UTC))
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{one.letter.text_ko}\n\n{one.letter.text}\n")
    return message
