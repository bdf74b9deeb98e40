"""A mail server on this machine, as small as SMTP allows: it says what it is told to, and keeps what it took."""

import asyncio
import base64
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class MailServer:
    """What it was told and took. `refusing`: the answer to a command, by the command's first word."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self.refusing: dict[str, str] = {}
        self.silent = False
        self.log: list[str] = []
        self.taken: list[tuple[str, str, EmailMessage]] = []
        """To whom, by whom (empty: nobody logged in), and what."""
        self.took = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            await reader.read()
            return
        who, whom = "", ""
        secure = False
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            self.log.append(f"{word} over {'TLS' if secure else 'nothing'}")
            if word in self.refusing:
                writer.write(f"{self.refusing[word]}\r\n".encode())
            elif word == "EHLO":
                more = b"" if self._tls is None or secure else b"250-STARTTLS\r\n"
                writer.write(b"250-here\r\n" + more + b"250 AUTH PLAIN\r\n")
            elif word == "STARTTLS" and self._tls is not None:
                writer.write(b"220 go\r\n")
                await writer.drain()
                await writer.start_tls(self._tls)
                secure = True
            elif word == "AUTH":
                who = base64.b64decode(line.split()[2]).decode().replace("\0", ":")[1:]
                writer.write(b"235 in\r\n")
            elif word == "RCPT":
                whom = line.partition("<")[2].partition(">")[0]
                writer.write(b"250 good\r\n")
            elif word == "DATA":
                writer.write(b"354 go\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                message = message_from_bytes(raw[:-3], policy=policy.default)
                assert isinstance(message, EmailMessage)
                self.taken.append((whom, who, message))
                self.took.set()
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 good\r\n")


@asynccontextmanager
async def mail_server(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """One that listens at a free port of `host`. `tls`: it offers STARTTLS."""
    server = MailServer(tls)
    listening = await asyncio.start_server(server.serve, host, 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def certified(folder: Path, address: str, now_ms: int) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of an address, and the file of who vouches for it: itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "mail.crt").write_bytes(pem)
    (folder / "mail.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem")
    return context, folder / "mail.crt"
