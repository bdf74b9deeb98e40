"""Certificates with which services know each other (mutual TLS), read anew when the files were changed.

A service's name is a DNS name in its certificate, as a URL writes it: `the-service`. Both ends are gbike, so it is
TLS 1.3 only, and without tickets: a session that is resumed would not show its certificate again.
"""

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gbike.kit.settings import BadSetting, load
from gbike.kit.telemetry import log

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


class TlsSettings(msgspec.Struct, frozen=True):
    """What may be set of mutual TLS between services: all three files, or none."""

    tls_cert_file: Annotated[
        str, Meta(description="PEM of this service's certificate: `/internal` is then on a port of its own, mutual TLS")
    ] = ""
    tls_key_file: Annotated[str, Meta(description="PEM of the private key of that certificate")] = ""
    tls_ca_file: Annotated[
        str, Meta(description="PEM of the authority that signs services' certificates, no others")
    ] = ""
    tls_port: Annotated[int, Meta(ge=0, le=65535, description="the port of `/internal` with mutual TLS")] = 8443


def dns_name(service: str) -> str:
    return service.replace("_", "-")


def services_named(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """The services that a certificate, checked by `ssl`, is for."""
    names = (certificate or {}).get("subjectAltName", ())
    return frozenset(name.replace("-", "_") for kind, name in names if kind == "DNS")


class Certificates:
    """The certificate of this service, and the authority that it believes about others."""

    def __init__(self, cert: str, key: str, ca: str) -> None:
        """Raises BadSetting when the files can't be used."""
        self._files = (cert, key, ca)
        try:
            self._stamp = self._look()
            self._newest = self._read()
        except (OSError, ValueError) as wrong:  # ssl.SSLError is an OSError
            raise BadSetting(f"{self._named}: {wrong}") from None

    @property
    def _named(self) -> str:
        return "GBIKE_TLS_CERT_FILE={}, GBIKE_TLS_KEY_FILE={}, GBIKE_TLS_CA_FILE={}".format(*self._files)

    def to_ask(self) -> ssl.SSLContext:
        return self._now()[0]

    def to_answer(self) -> ssl.SSLContext:
        """For a listener. Each handshake takes what is newest then."""
        context = _context(ssl.PROTOCOL_TLS_SERVER, *self._files)

        def take_newest(connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
            connection.context = self._now()[1]

        context.sni_callback = take_newest  # called also for who names no server
        return context

    def expire(self) -> dict[str, float]:
        """When each file's first certificate expires, seconds since 1970; without those that can't be read now."""
        found = {}
        for name, file in (("certificate", self._files[0]), ("authority", self._files[2])):
            with suppress(OSError, ValueError):
                found[name] = expires(Path(file)).timestamp()
        return found

    def _now(self) -> Contexts:
        """Files that don't fit each other yet are being replaced: what was read before goes on."""
        try:
            if (stamp := self._look()) != self._stamp:
                self._stamp = stamp
                self._newest = self._read()
                log.info("certificates were reloaded", file=self._files[0])
        except (OSError, ValueError) as wrong:
            log.warning("new certificates can't be used; the ones before go on", files=self._named, why=str(wrong))
        return self._newest

    def _look(self) -> list[tuple[int, int, int]]:
        return [_stamp(file) for file in self._files]

    def _read(self) -> Contexts:
        return _context(ssl.PROTOCOL_TLS_CLIENT, *self._files), _context(ssl.PROTOCOL_TLS_SERVER, *self._files)


def expires(file: Path) -> datetime:
    """When the first certificate of a file does that expires. Raises OSError, ValueError."""
    from cryptography.x509 import load_pem_x509_certificates

    return min(one.not_valid_after_utc for one in load_pem_x509_certificates(file.read_bytes()))


def _stamp(file: str) -> tuple[int, int, int]:
    """What changes with a file; a file that is away is told once, when it is read."""
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ino, found.st_size


def certificates(env: Mapping[str, str]) -> tuple[Certificates, int] | None:
    """What the settings name, and the port of `/internal`; None when they name nothing. Raises BadSetting."""
    chosen = load(TlsSettings, env)
    files = chosen.tls_cert_file, chosen.tls_key_file, chosen.tls_ca_file
    if not any(files):
        return None
    if not all(files):
        raise BadSetting("GBIKE_TLS_CERT_FILE, GBIKE_TLS_KEY_FILE and GBIKE_TLS_CA_FILE: all three, or none")
    return Certificates(*files), chosen.tls_port


def _context(protocol: int, cert: str, key: str, ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)  # for who asks: the peer's name is checked too
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    context.load_cert_chain(cert, key)
    context.load_verify_locations(ca)
    return context
