"""The history against what was done. ok: it happened, once. fail: it did not (I19). One key: one effect (I20).

Each attempt's X-Request-Id travels into the events it causes, so an effect is traced to the very request.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dev.simulation.history import Attempt
from gbike.kit.clock import rfc3339
from gbike.kit.store import Reading

EFFECTS = {
    "rent": ("rent", "Rented"),
    "return": ("rent", "Returned"),
    "end": ("rent", "Returned"),
    "void": ("rent", "Returned"),
    "correct": ("user_deposit", "AddedDeposit"),
    "refund": ("billing", "CorrectedBill"),
    "block": ("user_deposit", "ChangedStanding"),
    "unblock": ("user_deposit", "ChangedStanding"),
    "open": ("user_deposit", "AddedDeposit"),
    "topup": ("user_deposit", "AddedDeposit"),
    "report": ("bike_manage_app", "Reported"),
    "complain": ("bike_manage_app", "RiderComplained"),
    "convert": ("bike_manager", "AdjustedPoint"),
    "points": ("bike_manager", "AdjustedPoint"),
    "bike": ("bike", "RegisteredBike"),
    "mark": ("bike", "UpdatedBike"),
    "hold": ("bike", "UpdatedBike"),
    "letgo": ("bike", "UpdatedBike"),
    "retire": ("bike", "UpdatedBike"),
    "back": ("bike", "UpdatedBike"),
}
"""What each command does when it happens: the service and the event it says."""
Effects = Mapping[tuple[str, str, str], list[dict[str, Any]]]


def wrong_with_history(attempts: list[Attempt], readings: Mapping[str, Reading]) -> Iterator[str]:
    """Every contradiction between what clients were told and what the services hold."""
    effects = _effects(readings)
    for attempt in attempts:
        if attempt.op == "return" and attempt.status == 403:
            yield f"R5 a return was refused because its rider may not rent: {attempt.line()}"
        if attempt.status == 500:
            yield f"a request was answered 500: {attempt.line()}"
        if attempt.op in EFFECTS:
            yield from _one(attempt, _of(effects, attempt))
    somebody_erased = any(reading.one("SELECT 1 FROM erased LIMIT 1") for reading in readings.values())
    yield from _keys(attempts, effects, somebody_erased)
    yield from _rents(attempts, readings["rent"])
    yield from _numbered_reports(attempts, effects)
    yield from _conversions(attempts, effects)
    yield from _managers(attempts, readings["bike_manager"])


def _effects(readings: Mapping[str, Reading]) -> Effects:
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for service, kind in sorted(set(EFFECTS.values())):
        for headers, value in readings[service].all("SELECT headers, value FROM outbox WHERE type = ?", (kind,)):
            request_id = msgspec.json.decode(headers)["correlationid"]
            found.setdefault((service, kind, request_id), []).append(msgspec.json.decode(value))
    return found


def _of(effects: Effects, attempt: Attempt) -> list[dict[str, Any]]:
    found = effects.get((*EFFECTS[attempt.op], attempt.request_id), [])
    return [one for one in found if one.get("conversion")] if attempt.op == "convert" else found


def _one(attempt: Attempt, effects: list[dict[str, Any]]) -> Iterator[str]:
    if attempt.kind == "fail" and effects:
        yield f"I19 refused, and yet it happened: {attempt.line()}"
    if len(effects) > 1:
        yield f"I20 one request, {len(effects)} effects: {attempt.line()}"
    if attempt.key is None and _always_new(attempt) and attempt.kind == "ok" and not effects:
        yield f"I18 acknowledged, but it did not happen: {attempt.line()}"


def _always_new(attempt: Attempt) -> bool:
    """Whether each acknowledged request of this kind has an effect of its own."""
    always = ("rent", "open", "topup", "bike", "correct", "end", "void", "refund", "block", "points", "complain")
    return attempt.op in always or (attempt.op == "report" and attempt.facts["sent"] is None)


def _but_for_gaps(one: Any, other: Any) -> bool:
    """Whether two answers are the same but for what one of them has no more: an erasure takes it out of kept answers,
    too."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_but_for_gaps(one.get(name), other.get(name)) for name in one.keys() | other.keys())
    return one == other or one is None or other is None


def _keys(attempts: list[Attempt], effects: Effects, somebody_erased: bool) -> Iterator[str]:
    by_key: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.key is not None and attempt.op in EFFECTS:
            by_key.setdefault(attempt.key, []).append(attempt)
    for key, same in by_key.items():
        happened = sum(len(_of(effects, attempt)) for attempt in same)
        answers = {attempt.body for attempt in same if attempt.kind == "ok"}
        if happened > 1:
            yield f"I20 the key {key} had {happened} effects: {same[0].line()}"
        told = [msgspec.json.decode(answer) for answer in sorted(answers)]
        if len(told) > 1 and not (somebody_erased and all(_but_for_gaps(told[0], one) for one in told)):
            yield f"I20 the key {key} was answered in {len(answers)} ways: {same[0].line()}"
        if answers and not happened and _always_new(same[0]):
            yield f"I18 acknowledged, but it did not happen: {same[0].line()}"


def _rents(attempts: list[Attempt], rent: Reading) -> Iterator[str]:
    rows = {row[0]: row for row in rent.all("SELECT rentid, userid, bikeid, status, ended_ms FROM rents")}
    for attempt in attempts:
        if attempt.kind != "ok" or attempt.op not in ("rent", "return", "end", "void"):
            continue
        told = attempt.answer
        kept = rows.get(told["rentid"])
        if kept is None or kept[1:3] != (told["userid"], told["bikeid"]) or kept[3] not in ("rented", "returned"):
            yield f"I18 acknowledged, but the rent is {kept}: {attempt.line()}"
        elif attempt.op == "void" and not told["voided"]:
            yield f"I18 voided, but it is not told so: {attempt.line()}"
        elif attempt.op != "rent" and (kept[3] != "returned" or rfc3339(kept[4]) != told["endtime"]):
            yield f"I18 returned at {told['endtime']}, but the rent is {kept}: {attempt.line()}"


def _numbered_reports(attempts: list[Attempt], effects: Effects) -> Iterator[str]:
    by_number: dict[tuple[int, int], list[Attempt]] = {}
    for attempt in attempts:
        if attempt.op == "report" and attempt.facts["sent"] is not None:
            by_number.setdefault((attempt.facts["manager"], attempt.facts["sent"]), []).append(attempt)
    for number, same in by_number.items():
        applied = sum(len(_of(effects, attempt)) for attempt in same)
        told = {attempt.answer["reportid"] for attempt in same if attempt.kind == "ok"}
        if applied > 1 or len(told) > 1:
            yield f"I16 report {number} was applied {applied} times and answered as {sorted(told)}"
        if told and not applied:
            yield f"I18 report {number} was acknowledged, but not applied"


def _conversions(attempts: list[Attempt], effects: Effects) -> Iterator[str]:
    done = {
        (one["managerid"], one["adjustpoint"], one["point"])
        for (_, kind, _), found in effects.items()
        if kind == "AdjustedPoint"
        for one in found
        if one.get("conversion")
    }
    for attempt in attempts:
        if attempt.op == "convert" and attempt.kind == "ok":
            told = (attempt.facts["manager"], attempt.facts["amount"], attempt.answer["point"])
            if told not in done:
                yield f"I17 acknowledged, but not converted: {attempt.line()}"


def _managers(attempts: list[Attempt], bike_manager: Reading) -> Iterator[str]:
    kept = {row[0] for row in bike_manager.all("SELECT managerid FROM managers")}
    for attempt in attempts:
        if attempt.op == "manager" and attempt.kind == "ok" and attempt.facts["managerid"] not in kept:
            yield f"I18 acknowledged, but there is no such manager: {attempt.line()}"
