"""The password of a store's login comes from its own file, and is in nothing that is told."""

from pathlib import Path

import pytest

from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.settings import BadSetting
from gbike.kit.storage.postgres.login import password_in, with_password, without_password


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "password").write_text("a/b@c:d\n")
    return str(tmp_path / "password")


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("postgresql://rent@db.example:5432/rent?sslmode=require", "postgresql://rent:a%2Fb%40c%3Ad@db.example:5432/rent?sslmode=require"),
        ("postgresql://rent:its-own@db.example/rent", "postgresql://rent:its-own@db.example/rent"),
        ("postgresql://db.example/rent", "postgresql://db.example/rent"),
        ("sqlite:////data/rent.sqlite", "sqlite:////data/rent.sqlite"),
    ],
)  # fmt: skip
def test_the_file_is_for_a_user_without_a_password(file: str, url: str, login: str) -> None:
    assert with_password(url, file) == login
    assert with_password(url, "") == url


def test_what_is_told_of_a_store_has_no_password(file: str) -> None:
    login = with_password("postgresql://rent@db.example/rent", file)
    assert without_password(login) == "postgresql://rent@db.example/rent"
    asked = without_password("postgresql://db.example/rent?user=rent&password=its-own&sslmode=require")
    assert asked == "postgresql://db.example/rent?user=rent&password=…&sslmode=require"


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbfits-own\r\n")
    assert password_in(str(file)) == "its-own"
    assert Broker("127.0.0.1:9", "rent", str(file)).client()["sasl_plain_password"] == "its-own"


def test_a_file_that_can_not_be_read_is_named() -> None:
    with pytest.raises(BadSetting, match="GBIKE_STORE_PASSWORD_FILE=/none"):
        with_password("postgresql://rent@db.example/rent", "/none")
