"""The keys of a secure cluster, made once in its data folder and readable for its user only.

Each service has a key of its own; beside it stand the public keys of just those services that may call it, and the
certificate with which it speaks to others. Certificates are new at every start.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gbike.kit.files import private, write_whole
from gbike.kit.service import ServiceSpec

FOLDER = "keys"
CERT, CERT_KEY = "tls.crt", "tls.key"
CA = "ca.crt"
"""As cert-manager and Kubernetes call them."""
AT_KAFKA = ("admin", "reader")
"""Who comes to Kafka beside the services: whoever mends it, and whoever looks."""
OWN, CALLERS = "service.pem", "callers"
SCRAPER, ACCOUNT = "scraper.token", "signing"
DATABASE = "postgres"
"""The folder of the passwords at PostgreSQL."""
KAFKA = "kafka.password"
"""Of a service, and of those who are none, at Kafka."""


def make(data: Path, specs: Sequence[ServiceSpec], now_ms: float) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from gbike.kit.auth.certificates import dns_name
    from gbike.kit.auth.keyring import KeyFolder
    from gbike.kit.auth.services import new_pem, read_private
    from gbike.run.cluster.authority import Authority

    folder, authority = data / FOLDER, Authority(now_ms)
    for spec in specs:
        (folder / spec.name / CALLERS).mkdir(parents=True, exist_ok=True, mode=0o700)
        _keep(folder / spec.name / OWN, new_pem())
        for name, content in zip((CERT, CERT_KEY), authority.issue(dns_name(spec.name)), strict=True):
            _renew(folder / spec.name / name, content)
        _renew(folder / spec.name / CA, authority.pem)
    for spec in specs:
        public = read_private(str(folder / spec.name / OWN)).public_key()
        for callee in spec.calls:
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (folder / callee / CALLERS / f"{spec.name}.pub").write_bytes(pem)
        _keep(folder / spec.name / KAFKA, secrets.token_urlsafe(32).encode())
    for login in AT_KAFKA:
        (folder / login).mkdir(exist_ok=True, mode=0o700)
        _keep(folder / login / KAFKA, secrets.token_urlsafe(32).encode())
    _keep(folder / SCRAPER, secrets.token_urlsafe(32).encode())
    KeyFolder(folder / "account" / ACCOUNT).make()


def told(data: Path, service: str) -> Mapping[str, str]:
    folder = (data / FOLDER).resolve()
    found = {
        "GBIKE_SERVICE_KEY_FILE": str(folder / service / OWN),
        "GBIKE_SERVICE_KEYS": str(folder / service / CALLERS),
        "GBIKE_SCRAPER_TOKEN_FILE": str(folder / SCRAPER),
        **{f"GBIKE_KAFKA_{name.upper()}": value for name, value in kafka_login(data, service).items()},
        "GBIKE_TLS_CERT_FILE": str(folder / service / CERT),
        "GBIKE_TLS_KEY_FILE": str(folder / service / CERT_KEY),
        "GBIKE_TLS_CA_FILE": str(folder / service / CA),
    }
    return {**found, "GBIKE_ACCOUNT_KEYS": str(folder / service / ACCOUNT)} if service == "account" else found


def kafka_passwords(data: Path) -> dict[str, str]:
    files = sorted((data / FOLDER).glob(f"*/{KAFKA}"))
    return {file.parent.name: file.read_text("ascii") for file in files}


def kafka_login(data: Path, name: str) -> dict[str, str]:
    """Who somebody is at Kafka: `login`, `password_file`."""
    return {"login": name, "password_file": str((data / FOLDER).resolve() / name / KAFKA)}


def scraper(data: Path) -> Mapping[str, str]:
    """The headers of who collects metrics; none in a cluster that is open."""
    file = data / FOLDER / SCRAPER
    return {"authorization": f"Bearer {file.read_text('ascii')}"} if file.exists() else {}


def passfile(data: Path, login: str) -> Path:
    """The file with the password of a login at PostgreSQL, in the form that its clients read."""
    return data.resolve() / FOLDER / DATABASE / f"{login}.pass"


def make_passwords(data: Path, logins: Iterable[str]) -> Mapping[str, str]:
    """The passwords of these logins at PostgreSQL, made where there is none."""
    for folder in (data / FOLDER, data / FOLDER / DATABASE):
        folder.mkdir(exist_ok=True, mode=0o700)
    for login in logins:
        if not passfile(data, login).exists():
            write_whole(passfile(data, login), f"*:*:*:{login}:{secrets.token_urlsafe(32)}\n".encode())
    return {login: passfile(data, login).read_text("ascii").strip().rpartition(":")[2] for login in logins}


def _renew(file: Path, content: bytes) -> None:
    """Write a file that only its user may read, anew at every start."""
    private(file)
    file.write_bytes(content)


def _keep(file: Path, content: bytes) -> None:
    """Write a file that only its user may read, unless it is there: whole, or what was killed in it starts no more."""
    if not file.exists():
        write_whole(file, content)
