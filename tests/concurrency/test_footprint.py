"""What may be swapped: told from a statement's text, and when in doubt, nothing."""

import pytest

from gbike.kit.storage.postgres import writer
from tests.concurrency.footprint import Step, Touched, dependent


def step(sql: str, *params: object) -> Step:
    return Touched().statement(sql, params)


def end(sql: str, *params: object, how: str = "COMMIT") -> Step:
    touched = Touched()
    touched.statement(sql, params)
    return touched.end(how)


SEVEN = ("UPDATE bikes SET rentid = ? WHERE bikeid = ? AND held = 0", 1, 7)
EIGHT = ("UPDATE bikes SET rentid = ? WHERE bikeid = ? AND held = 0", 1, 8)
READ = ("SELECT rentid FROM bikes WHERE bikeid = ?", 7)
BESIDE = (
    "SELECT userid, (SELECT p.contact FROM contact_proofs AS p WHERE p.userid = accounts.userid),"
    " coalesce((SELECT n FROM counters WHERE name = 'tokens:' || userid), 0) FROM accounts WHERE userid = ?",
    7,
)
TOKENS = "INSERT INTO counters (name, n) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n"
WAITING = "UPDATE contact_proofs SET tries = 0 WHERE userid = ? AND normal = ?"
ANY = ("UPDATE bikes SET rentid = NULL WHERE left_by = ?", 3)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (step(*SEVEN), step(*SEVEN), True),
        (step(*SEVEN), step(*EIGHT), False),
        (step(*SEVEN), step(*ANY), True),
        (step(*SEVEN), step(*READ), False),
        (end(*SEVEN), step(*READ), True),
        (end(*EIGHT), step(*READ), False),
        (end(*ANY), step(*READ), True),
        (end(*SEVEN), end(*SEVEN), False),
        (end(*SEVEN, how="ROLLBACK"), step(*READ), False),
        (end(*SEVEN, how="ROLLBACK TO request"), step(*SEVEN), True),
        (end(*SEVEN, how="ROLLBACK"), step(*EIGHT), False),
        (end(WAITING, 7, "a"), step(*BESIDE), True),
        (end(WAITING, 8, "a"), step(*BESIDE), False),
        (end("DELETE FROM contact_proofs WHERE normal = ?", "a"), step(*BESIDE), True),
        (end(TOKENS, "tokens:7"), step(*BESIDE), True),
        (end(TOKENS, "tokens:8"), step(*BESIDE), False),
        (step(TOKENS, "tokens:7"), step(TOKENS, "tokens:7"), True),
        (step(TOKENS, "tokens:7"), step(TOKENS, "tokens:8"), False),
        (end("UPDATE accounts SET name = NULL WHERE userid = ?", 7), step(*BESIDE), True),
        (end("UPDATE accounts SET name = NULL WHERE userid = ?", 8), step(*BESIDE), False),
        (end(*SEVEN), step("SELECT count(*) FROM outbox"), True),
        (step(writer._LOCK, "a"), step(writer._LOCK, "a"), True),
        (step(writer._LOCK, "a"), step(writer._SHARE, ["b", "a"]), True),
        (step(writer._SHARE, ["a"]), step(writer._SHARE, ["a"]), False),
        (step(writer._LOCK, "a"), step(writer._LOCK, "b"), False),
        (end(writer._LOCK, "a"), step(writer._LOCK, "a"), True),
    ],
)
def test_steps_meet_where_one_may_change_what_the_other_does(one: Step, other: Step, meet: bool) -> None:
    assert dependent(one, other) is meet
    assert dependent(other, one) is meet


def test_a_row_that_is_not_named_by_its_key_may_be_any() -> None:
    within = "DELETE FROM payments WHERE paid_ms IS NULL AND paymentid IN (SELECT paymentid FROM payments LIMIT ?)"
    assert step(within, 5).writes == {("payments", None)}
    either = "UPDATE deposits SET balance = 0 WHERE userid = ? OR balance < 0"
    assert step(either, 5).writes == {("deposits", None)}
