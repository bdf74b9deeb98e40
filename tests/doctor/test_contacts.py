"""What the doctor tells of contacts, without telling any."""

from contextlib import closing
from pathlib import Path

from gbike.cli.doctor import examine
from gbike.kit.clock import SystemClock
from gbike.kit.contacts import known_as
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder


async def test_accounts_of_before_with_one_contact_are_told_by_number(tmp_path: Path) -> None:
    await Embedded(DataFolder(tmp_path / "data"), {}).stop()
    data = tmp_path / "data"
    contacts = {1: "010-1234-5678", 2: "01012345678", 3: "kim@example.com", 4: "0212345678"}
    with closing(open_file(data / "account.sqlite")) as account:
        for userid, contact in contacts.items():
            shared = userid != 3
            account.execute(
                "INSERT INTO accounts (userid, contact, normal, shared, roles, created_ms) VALUES (?, ?, ?, ?, '', 0)",
                (userid, contact, known_as(contact).normal, shared),
            )
    [found] = examine(DataFolder(data), {}, SystemClock())
    assert (found.rule, found.wrong) == ("same-contact", False)
    assert "accounts 1, 2 have" in found.what
    assert not any(contact in str(found) for contact in contacts.values())
