"""What may be swapped: told from a statement's text, and when in doubt, nothing."""

import pytest

from gbike.kit.storage.postgres import writer
from gbike.run.registry import specs
from tests.concurrency.footprint import KEYS, UNIQUE, Step, Touched, dependent, together
from tests.postgres import Server


def step(sql: str, *params: object) -> Step:
    return Touched().statement(sql, params)


def end(sql: str, *params: object, how: str = "COMMIT") -> Step:
    touched = Touched()
    touched.ran(touched.statement(sql, params))
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
NEWCOMER = ("INSERT INTO accounts (name, contact, normal) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "n", "a", "a")
BOTH_GIVEN = ("INSERT INTO bikes (bikeid, label) VALUES (?, ?)", 8, "A-1")
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
        (step(*NEWCOMER), step(*NEWCOMER), True),
        (end(*NEWCOMER), step("SELECT userid FROM accounts WHERE normal = ?", "a"), True),
        (end(*NEWCOMER), step("SELECT name FROM accounts WHERE userid = ?", 7), False),
        (step(*NEWCOMER), step("UPDATE accounts SET name = name WHERE userid = ?", 7), False),
        (step(*NEWCOMER), step("UPDATE accounts SET contact = ?, normal = ? WHERE userid = ?", "a", "a", 7), True),
        (step(*NEWCOMER), step("DELETE FROM accounts WHERE userid = ?", 7), True),
        (step(*BOTH_GIVEN), step("UPDATE bikes SET label = ? WHERE bikeid = ?", "A-1", 7), True),
        (step(*BOTH_GIVEN), step("UPDATE bikes SET held = ? WHERE bikeid = ?", 1, 7), False),
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


def test_what_is_sent_at_once_touches_every_row_of_it() -> None:
    assert dependent(together([step(*SEVEN), step(*EIGHT)]), step(*EIGHT))
    assert dependent(together([step(writer._LOCK, "a"), step(writer._LOCK, "b")]), step(writer._LOCK, "b"))


def test_a_number_that_no_sequence_gave_yet_may_be_a_new_rows() -> None:
    renamed = "UPDATE accounts SET name = ? WHERE userid = ?"
    known, later = (Touched(last={"accounts": 7}).statement(renamed, ("n", userid)) for userid in (7, 8))
    assert not dependent(step(*NEWCOMER), known)
    assert dependent(step(*NEWCOMER), later)


def test_a_statement_that_changed_no_row_leaves_nothing_to_end() -> None:
    touched = Touched()
    touched.ran(touched.statement(SEVEN[0], SEVEN[1:]), nothing=True)
    assert not dependent(touched.end("COMMIT"), step(*READ))


_COLLIDING = """SELECT t.relname, a.attname FROM pg_index x
    JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = t.oid AND (a.attnum = ANY (x.indkey)
        OR pg_get_expr(x.indpred, x.indrelid) ~ ('\\m' || a.attname || '\\M'))
    WHERE x.indisunique AND NOT x.indisprimary AND NOT (SELECT array_agg(k.attname::text) FROM pg_attribute k
        WHERE k.attrelid = t.oid AND k.attnum = ANY (x.indkey)) @> ARRAY[%s]::text[] AND t.relname = %s"""


def test_columns_whose_rows_may_collide_are_those_of_the_unique_indexes(server: Server) -> None:
    found: dict[str, set[str]] = {}
    for spec in specs():
        with server.connection(server.migrated(spec.versions)) as connection:
            for table, column in KEYS.items():
                for row in connection.execute(_COLLIDING, (column, table)):
                    found.setdefault(row[0], set()).add(row[1])
    assert found == UNIQUE
