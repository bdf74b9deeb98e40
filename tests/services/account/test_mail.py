"""Letters by e-mail: to whom they go, what is in them, and what becomes of those that the mail server does not take."""

import asyncio
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gbike.kit.clock import SystemClock
from gbike.kit.settings import BadSetting
from gbike.run.single import drive
from gbike.services.account.clients.letter_file import LetterFile
from gbike.services.account.clients.mail import Letter
from gbike.services.account.clients.smtp import ANSWER_S, GIVE_UP_MS, MOST_WAITING, Mailer
from gbike.services.account.clients.smtp import mail_server as parsed
from tests.services.account.mail_server import MailServer, certified, mail_server
from tests.services.account.people import KIM, LEE, Town
from tests.services.lone import SetClock

ASK, USE = "/accounts/passwordResets", "/accounts/passwordResets/use"
PHONE = "010-1234-5678"
FROM = "gbike <no-reply@bikes.example>"
SECRET = "s3cret@word"
AT_HOME = "127.0.0.2"
"""An address of this machine that is none of those where a letter may go out without TLS."""


class Office:
    """A town whose letters go to a mail server, and the file beside it."""

    def __init__(self, folder: Path, server: MailServer, user: str = "") -> None:
        self.file = folder / "letters.jsonl"
        url = f"smtp://{user}127.0.0.1:{server.port}"
        self.town = Town(GBIKE_RESET_FILE=str(self.file), GBIKE_SMTP_URL=url, GBIKE_MAIL_FROM=FROM,
                         GBIKE_PUBLIC_URL="https://bikes.example")  # fmt: skip
        self.worker = self.town.lone.worker("mail")

    def filed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    async def post(self, times: int = 1) -> None:
        """Let the post work, so many letters."""
        for _ in range(times):
            await self.worker.step()


async def test_a_reset_comes_by_mail_with_its_whole_link_in_both_languages(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server, user="gbike:s3cret%40word@")
        await office.town.sign_up()
        await office.town.client.post(ASK, {"contact": KIM})
        await office.post(2)
        (code, reset) = server.taken
        assert [(whom, who) for whom, who, _ in server.taken] == [(KIM, f"gbike:{SECRET}")] * 2
        assert "확인 코드" in code[2]["subject"]
        message = reset[2]
        assert (message["from"], message["to"], message["auto-submitted"]) == (FROM, KIM, "auto-generated")
        text = message.get_content()
        link = next(word for word in text.split() if word.startswith("https://bikes.example/app/#/reset/"))
        assert text.count(link) == 2
        assert "30분 안에" in text
        assert "within 30 minutes" in text
        token = link.rpartition("/")[2]
        assert (await office.town.client.post(USE, {"token": token, "password": "a new bicycle"})).status == 200
        await office.post()
        assert "비밀번호가 바뀌었어요" in server.taken[-1][2].get_content()
        assert office.filed() == []


async def test_a_code_goes_to_the_contact_that_is_to_be_proved_and_notices_to_the_one_that_is(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server)
        await office.town.sign_up()
        given = {"contact": LEE, "password": "a bicycle at dawn"}
        assert (await office.town.client.post("/accounts/1/contact", given)).status == 202
        await office.town.sign_up(KIM, "a stranger's bicycle", proved=False)
        invited = {"contact": "park@example.com", "roles": ["rider"]}
        assert (await office.town.client.post("/accounts/invitations", invited)).status == 201
        await office.post(5)
        told = [(whom, message.get_content()) for whom, _, message in server.taken]
        assert [whom for whom, _ in told] == [KIM, KIM, LEE, KIM, "park@example.com"]
        assert "연락처를 바꾸려는 요청" in told[1][1]
        assert "확인 코드" in told[2][1]
        assert "누군가 이 연락처로 가입하려고" in told[3][1], "the owner, and not the stranger"
        assert "https://bikes.example/app/#/invited/" in told[4][1]


async def test_telephones_and_what_the_server_refuses_for_good_go_to_the_file(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server)
        await office.town.sign_up(PHONE)
        assert [one["about"] for one in office.filed()] == ["contact code"], "at once"
        server.refusing["RCPT"] = "550 no such box"
        await office.town.sign_up(KIM)
        await office.post()
        assert [one["to"] for one in office.filed()] == ["account 1", "account 2"]
        server.refusing.clear()
        await office.post()
        assert server.taken == [], "it is with the operator now"


@pytest.mark.parametrize("trouble", ["away", "silent", "full", "rude"])
async def test_a_server_in_trouble_holds_up_nobody_and_loses_nothing(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signing up and in go on; the letter comes when the server is back, or stands in the file while it is good."""
    monkeypatch.setattr("gbike.services.account.clients.smtp.ANSWER_S", 0.05)
    async with mail_server() as server:
        office = Office(tmp_path, server)
        server.silent = trouble == "silent"
        if trouble == "away":
            office = Office(tmp_path, MailServer(None))  # nobody listens at port 0
        if trouble in ("full", "rude"):
            server.refusing["MAIL" if trouble == "full" else "EHLO"] = (
                "452 come again" if trouble == "full" else "421 no"
            )
            server.refusing["HELO"] = "421 no"
        await office.town.sign_up()
        assert (await office.town.sign_in()).status == 200
        await office.post()
        assert (server.taken, office.filed()) == ([], []), "it waits"
        await office.town.sign_up(LEE)
        office.town.clock.waited_ms += GIVE_UP_MS
        await office.post(2)
        assert [one["to"] for one in office.filed()] == ["account 1", "account 2"]
        assert (await office.town.sign_in(LEE)).status == 200


async def test_a_server_that_is_back_gets_what_waits(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server)
        server.refusing["MAIL"] = "451 later"
        for contact in (KIM, LEE):
            await office.town.sign_up(contact)
        await office.post(3)
        server.refusing.clear()
        await office.post(2)
        assert sorted(whom for whom, _, _ in server.taken) == [KIM, LEE]
        assert office.filed() == []


async def test_the_post_wakes_for_a_letter_and_what_waits_when_the_process_ends_is_in_the_file(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server)
        driving = asyncio.create_task(drive("account", office.worker))
        await office.town.sign_up()
        async with asyncio.timeout(30):
            await server.took.wait()
        server.silent = True
        await office.town.sign_up(LEE)
        driving.cancel()
        with suppress(asyncio.CancelledError):
            await driving
        assert [one["to"] for one in office.filed()] == ["account 2"]


async def test_a_server_that_says_nothing_is_cut_off(tmp_path: Path) -> None:
    """Also one that lets nobody wait long for each word, and long for the whole: it would hold up all letters."""
    async with mail_server() as server:
        server.silent = True
        file = tmp_path / "letters"
        mailer = Mailer(parsed(f"smtp://127.0.0.1:{server.port}", FROM), LetterFile(file), SetClock(), within_s=1)
        mailer.bring(Letter("account 1", "notice"), KIM)
        async with asyncio.timeout(ANSWER_S / 2):
            await mailer.step()
            server.silent = False
            await mailer.step()
        assert len(server.taken) == 1


async def test_letters_behind_one_that_a_silent_server_held_up_are_in_the_file_while_they_are_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be tried for half a minute, and a thousand may wait."""
    monkeypatch.setattr("gbike.services.account.clients.smtp.ANSWER_S", 0.05)
    async with mail_server() as server:
        server.silent = True
        file, clock = tmp_path / "letters", SetClock()
        mailer = Mailer(parsed(f"smtp://127.0.0.1:{server.port}", FROM), LetterFile(file), clock)
        for number in range(3):
            mailer.bring(Letter(f"account {number}", "notice"), KIM)
        clock.waited_ms += GIVE_UP_MS
        mailer.bring(Letter("account 3", "notice"), KIM)
        await mailer.step()
        filed = [json.loads(line)["to"] for line in file.read_text().splitlines()]
        assert filed == [f"account {number}" for number in range(3)]
        server.silent = False
        await mailer.step()
        assert len(server.taken) == 1


async def test_who_is_erased_is_written_to_no_more(tmp_path: Path) -> None:
    async with mail_server() as server:
        office = Office(tmp_path, server)
        await office.town.sign_up()
        assert (await office.town.client.post("/accounts/1/erasure")).status == 200
        await office.post(2)
        assert (server.taken, office.filed()) == ([], [])


async def test_who_is_erased_while_a_letter_is_on_its_way_gets_no_second_try(tmp_path: Path) -> None:
    async with mail_server() as server:
        server.silent = True
        file = tmp_path / "letters"
        url = f"smtp://127.0.0.1:{server.port}"
        mailer = Mailer(parsed(url, FROM), LetterFile(file), SetClock(), within_s=1)
        mailer.bring(Letter("account 1", "notice"), KIM)
        sending = asyncio.create_task(mailer.step())
        asyncio.get_running_loop().call_soon(mailer.forget, "account 1")
        await sending
        server.silent = False
        await mailer.step()
        assert (server.taken, file.exists()) == ([], False)


async def test_so_many_letters_wait_and_one_more_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "letters"
    mailer = Mailer(parsed("smtp://127.0.0.1:1", FROM), LetterFile(file), SetClock())
    for number in range(MOST_WAITING + 1):
        mailer.bring(Letter(f"account {number}", "notice"), KIM)
    assert [json.loads(line)["to"] for line in file.read_text().splitlines()] == [f"account {MOST_WAITING}"]


async def test_a_letter_leaves_this_machine_by_tls_only_and_to_the_server_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, vouches = certified(tmp_path, AT_HOME, SystemClock().now_ms())
    for tls, believed, taken in ((context, True, 1), (context, False, 0), (None, True, 0)):
        with monkeypatch.context() as env:
            if believed:
                env.setenv("SSL_CERT_FILE", str(vouches))
            async with mail_server(AT_HOME, tls) as server:
                to = parsed(f"smtp://gbike:{SECRET.replace('@', '%40')}@{AT_HOME}:{server.port}", FROM)
                file = tmp_path / f"{tls}{believed}"
                mailer = Mailer(to, LetterFile(file), SetClock())
                mailer.bring(Letter("account 1", "contact code", code="1", text="one", text_ko="하나"), KIM)
                await mailer.step()
                assert len(server.taken) == taken
                assert "AUTH over nothing" not in server.log
                assert ("AUTH over TLS" in server.log) is bool(taken)


async def test_nothing_secret_is_logged_or_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with mail_server() as server:
        office = Office(tmp_path, server, user="gbike:s3cret%40word@")
        await office.town.sign_up()
        await office.town.client.post(ASK, {"contact": KIM})
        for word, answer in (("AUTH", f"535 {SECRET}"), ("RCPT", f"550 {KIM}"), ("MAIL", f"450 {KIM}")):
            server.refusing = {word: answer}
            await office.town.client.post(ASK, {"contact": KIM})
            await office.post(3)
    said = "".join(capfd.readouterr()) + caplog.text
    assert "a letter" in said
    links = [one["link"].rpartition("/")[2] for one in office.filed() if "link" in one]
    assert links
    for secret in (SECRET, "s3cret", KIM, *links):
        assert secret not in said, secret


@pytest.mark.parametrize(
    ("url", "sender"),
    [(f"smtp://gbike:{SECRET}@[::1", FROM), (f"http://gbike:{SECRET}@mail.example", FROM), (f"gbike:{SECRET}", FROM),
     (f"smtp://gbike:{SECRET}@mail.example:99999", FROM), ("smtp://mail.example", ""), ("smtp://mail.example", "me")],
)  # fmt: skip
def test_a_setting_that_does_not_fit_stops_the_start_and_its_password_is_not_shown(url: str, sender: str) -> None:
    with pytest.raises(BadSetting) as wrong:
        Town(GBIKE_SMTP_URL=url, GBIKE_MAIL_FROM=sender)
    assert SECRET not in str(wrong.value)
    assert "GBIKE_SMTP_URL" in str(wrong.value)


def test_where_a_server_is_unless_its_port_is_named() -> None:
    one, other = parsed("smtp://mail.example", FROM), parsed("smtps://u%3Av:p%2Fw@mail.example", FROM)
    assert (one.host, one.port, one.tls, one.user) == ("mail.example", 587, False, "")
    assert (other.port, other.tls, other.user, other.password) == (465, True, "u:v", "p/w")
    assert "p/w" not in repr(other)
