"""Which Kafka, and who we are there."""

from pathlib import Path
from typing import Any

import msgspec

from gbike.kit.messaging.bus import BusUnavailable


class Broker(msgspec.Struct, frozen=True):
    """The way to a Kafka: bootstrap servers, and a login with the file of its password; without a login it is open."""

    bootstrap: str
    login: str = ""
    password_file: str = ""

    def client(self) -> dict[str, Any]:
        """What every client is made with. The password is read anew each time. Raises BusUnavailable."""
        if not self.login:
            return {"bootstrap_servers": self.bootstrap}
        try:
            password = Path(self.password_file).read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            raise BusUnavailable(
                f"the password of {self.login} in {self.password_file} can't be read: {wrong}"
            ) from None
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.login,
            "sasl_plain_password": password,
        }
