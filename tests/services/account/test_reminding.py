"""Riders who forgot to return a bike are told, once of a ride."""

from pathlib import Path
from typing import Any

import pytest

from gbike.contracts.rent import Rented, Returned, RideOverdue
from gbike.services.account.domain import About
from tests.services.account.people import Town
from tests.services.account.test_contacts import Post
from tests.services.lone import NOON, Lone

RENTED = Rented(rentid=9, userid=1, bikeid=7, status="rented", starttime=NOON)
LATE = RideOverdue(rentid=9, userid=1, bikeid=7, starttime=NOON)
OVER = Returned(rentid=9, userid=1, bikeid=7, status="returned", endtime=NOON, starttime=NOON)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def reminders(post: Post) -> list[dict[str, Any]]:
    return post.letters(About.OVERDUE)


async def test_a_rider_is_told_of_an_overdue_ride_in_both_languages_and_once(post: Post) -> None:
    await post.town.sign_up()
    await post.town.lone.tell(RENTED, LATE, LATE)
    [letter] = reminders(post)
    assert (letter["to"], "return" in letter["text"], "반납해 주세요" in letter["text_ko"]) == ("account 1", True, True)
    assert "password" not in letter["text"], "nobody else did it"
    await post.town.lone.tell(LATE)
    assert len(reminders(post)) == 1
    await post.town.lone.tell(RideOverdue(rentid=10, userid=1, bikeid=7, starttime=NOON))
    assert len(reminders(post)) == 2, "another ride"


@pytest.mark.parametrize("heard", [(RENTED, OVER, LATE), (OVER, LATE, RENTED), (RENTED, LATE, OVER)], ids=len)
async def test_who_has_returned_meanwhile_is_told_nothing(heard: tuple[Any, ...], post: Post) -> None:
    await post.town.sign_up()
    await post.town.lone.tell(*heard)
    assert reminders(post) == []


async def test_who_has_proved_no_contact_or_has_no_account_is_told_nothing(post: Post) -> None:
    await post.town.sign_up(proved=False)
    await post.town.lone.tell(LATE, RideOverdue(rentid=10, userid=77, bikeid=8, starttime=NOON))
    assert reminders(post) == []


async def test_who_is_erased_is_told_nothing(post: Post) -> None:
    await post.town.sign_up()
    await post.town.client.post("/accounts/1/erasure")
    await post.town.lone.tell(LATE)
    assert reminders(post) == []


async def test_two_processes_tell_a_rider_once(tmp_path: Path) -> None:
    town = Town(tmp_path / "account.db", GBIKE_RESET_FILE=str(tmp_path / "letters"))
    await town.sign_up()
    await town.lone.tell(RENTED)
    other = Lone(town.lone.spec, {"GBIKE_RESET_FILE": str(tmp_path / "others")}, tmp_path / "account.db")
    await town.lone.bus.append([town.lone.message(LATE)])
    assert town.lone.running.consumer is not None
    await town.lone.running.consumer.step()
    told = [await lone.worker("reminders").step() for lone in (other, town.lone, other)]
    assert sorted(told) == [0, 0, 1]
    await other.stop()
    await town.lone.stop()
