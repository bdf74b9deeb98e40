"""`gbike events dead list|show|replay|drop`: what consumers set aside, why; given to them again, or dropped."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Annotated

import typer

from gbike.cli import DATA, Data, OfService, StoreUrl, group, settings_given
from gbike.kit.clock import rfc3339
from gbike.kit.messaging.dead_letters import DeadLetter, NoSuchLetter, letter, letters
from gbike.run.folder.backup import NoData
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import give
from gbike.run.store_verbs import store_verbs

MOST = 1_000
"""Letters of one service that are listed."""
SUMMARY_LETTERS = 80
LONGEST_REASON = 200
NONE = "no message is set aside · 처리하지 못한 메시지가 없어요"

Message = Annotated[str, typer.Argument(metavar="ID", help="the message's id, as the list shows it")]
dead_verb = group("Messages that a consumer set aside, with their reasons.")


@dead_verb.command("list")
def dead_list(data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """What is set aside, and why, beside a running gbike or after it."""
    typer.echo("\n".join(listed(StoreLocation(data, store, service))))


@dead_verb.command("show")
def dead_show(message: Message, data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """Everything about one message that is set aside."""
    typer.echo("\n".join(to_lines(StoreLocation(data, store, service), message)))


@dead_verb.command("replay")
def dead_replay(message: Message, data: Data = DATA, store: StoreUrl = "", service: OfService = "") -> None:
    """Give a message again to the service that set it aside: it takes effect, or stays with the new reason."""
    _tell(replay(StoreLocation(data, store, service), message, settings_given()))


@dead_verb.command("drop")
def dead_drop(
    message: Message,
    reason: Annotated[str, typer.Option("--reason", help="why it will never be handled; the audit log keeps it")],
    data: Data = DATA,
    store: StoreUrl = "",
    service: OfService = "",
) -> None:
    """Let go of a message for good: it never takes effect, and waits no more."""
    _tell(drop(StoreLocation(data, store, service), message, reason, settings_given()))


def _tell(done: tuple[bool, list[str]]) -> None:
    well, lines = done
    typer.echo("\n".join(lines))
    raise typer.Exit(0 if well else 1)


def listed(where: StoreLocation) -> Iterator[str]:
    """A line for each letter. Raises NoData, NoSuchService."""
    with where.readings() as stores:
        found = [(service, dead) for service, read in stores.items() for dead in letters(read, MOST)]
    for service, dead in sorted(found, key=lambda one: one[1].at_ms):
        message = dead.message
        yield f"{rfc3339(dead.at_ms)}  {service}  {message.type} {message.key}  {message.id}"
        yield f"    {dead.reason[:SUMMARY_LETTERS]}"
    yield f"{len(found)} set aside · 보류된 메시지 {len(found)}건" if found else NONE


def to_lines(where: StoreLocation, message_id: str) -> Iterator[str]:
    """Everything about one letter, for each service that set it aside. Raises NoData, NoSuchLetter."""
    holders = _holders(where, message_id)
    for service, dead in holders.items():
        yield f"service · 서비스   {service}"
        yield f"event · 이벤트     {dead.message.type} {dead.message.key}  {dead.message.id}"
        yield f"set aside · 보류   {rfc3339(dead.at_ms)}"
        yield f"reason · 이유      {dead.reason}"
        yield f"headers · 헤더     {dead.message.headers.decode('utf-8', 'replace')}"
        yield f"value · 내용       {dead.message.value.decode('utf-8', 'replace')}"


def replay(where: StoreLocation, message_id: str, env: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Give a message again to each service that set it aside; answers whether it took effect everywhere, and a line
    for each. Raises NoData, NoSuchLetter, FolderInUse."""
    reasons = _each(where, env, "replay", (message_id,))
    return not any(reasons.values()), [_told(service, why) for service, why in reasons.items()]


def drop(where: StoreLocation, message_id: str, reason: str, env: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Let each service that set a message aside let go of it, for a reason that its audit log keeps; as `replay`.
    Raises NoData, NoSuchLetter, FolderInUse."""
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise NoData(f"--reason takes 1 to {LONGEST_REASON} letters in one line: why it will never be handled")
    failed = _each(where, env, "drop", (message_id, reason))
    return not any(failed.values()), [
        f"{service}: {why or 'dropped, and on record · 폐기하고 감사 기록에 남겼어요'}"
        for service, why in failed.items()
    ]


def _each(where: StoreLocation, env: Mapping[str, str], verb: str, args: tuple[str, ...]) -> dict[str, str | None]:
    """Have each service that holds a letter do something with it; why it could not, by service."""
    services = list(_holders(where, args[0]))
    asked = [(verb, service, *args) for service in services]
    done = give(where, env, store_verbs, asked, command=f"gbike events dead {verb}")
    return {service: one.said or None for service, one in zip(services, done, strict=True)}


def _holders(where: StoreLocation, message_id: str) -> dict[str, DeadLetter]:
    found = {}
    with where.readings() as stores:
        for service, read in stores.items():
            with suppress(NoSuchLetter):
                found[service] = letter(read, message_id)
    if not found:
        raise NoData(f"no message {message_id} is set aside; `gbike events dead list` shows those that are")
    return found


def _told(service: str, why: str | None) -> str:
    if why is None:
        return f"{service}: it took effect · 다시 처리됐어요"
    return f"{service}: it stays set aside · 다시 실패해서 보류해요: {why}"
