"""Who tries to get in, and how often it failed; and how often one client asks for what everybody may.

An attempt is put down as under way before it is judged, so that guesses at once are no more than guesses one after the
other; only one that was judged wrong becomes a failure. One that never ended stops counting after a minute.
"""

from gbike.kit.clock import is_ahead
from gbike.kit.store import Tx
from gbike.services.account import domain
from gbike.services.account.storage import accounts
from gbike.services.account.storage import sign_in_attempts as attempts
from gbike.services.account.storage.sign_in_attempts import of_client, of_contact, of_pair

_REFUSED = {"sign-up": domain.TooManySignUps, "reset": domain.TooManyResets}


def begin_attempt(tx: Tx, id: str, contact: str, client: str, policy: domain.LockoutPolicy) -> domain.SignInAttempt:
    """Somebody tries to get in. `client`: as in a SignInAttempt. Raises TooManyAttempts while there is a wait,
    TooManyAtOnce when as many attempts are under way as may fail before there is one."""
    pair = of_pair(contact, client)
    attempts.lock(tx, pair)  # before the look whether the client is known: whoever makes it known has this lock
    known = any(attempts.knows(tx, userid, client) for userid in attempts.accounts_of(tx, contact))
    attempt = domain.SignInAttempt(id, contact, client, known)
    paces = _paces(attempt, policy)
    attempts.lock(tx, *paces)
    failures, until_ms = _failures(tx, pair, policy)
    waits = [until_ms - tx.now_ms]
    left = {pair: max(1, policy.free - failures)}
    for name, pace in paces.items():
        taken_ms = _taken_ms(tx, name, pace)
        waits.append(taken_ms + pace.each_ms - pace.per_ms)
        left[name] = (pace.per_ms - taken_ms) // pace.each_ms
    if max(waits) > 0:
        raise domain.TooManyAttempts(_seconds(max(waits)))
    if any(attempts.under_way(tx, name) >= most for name, most in left.items()):
        raise domain.TooManyAtOnce
    attempts.begin(tx, id, left)
    return attempt


def fail_attempt(tx: Tx, attempt: domain.SignInAttempt, policy: domain.LockoutPolicy) -> None:
    """The attempt was wrong: the next ones of its contact and client wait, and its paces are slower."""
    pair, paces = of_pair(attempt.contact, attempt.client), _paces(attempt, policy)
    attempts.lock(tx, pair, *paces)
    attempts.end_attempt(tx, attempt)
    failures = _failures(tx, pair, policy)[0] + 1
    attempts.count(tx, pair, failures, tx.now_ms + policy.delay_ms(failures))
    for name, pace in paces.items():
        attempts.count(tx, name, 0, tx.now_ms + _taken_ms(tx, name, pace) + pace.each_ms)
    if failures == policy.free:
        for userid in attempts.accounts_of(tx, attempt.contact):
            tx.audit("account locked", f"user:{userid}", after={"wait_s": _seconds(policy.delay_ms(failures))})


def succeed(tx: Tx, attempt: domain.SignInAttempt, userid: int) -> None:
    """The attempt was right: its account knows the client, and the failures of contact and client are forgotten, unless
    they may have been guesses at somebody else."""
    # The account's row comes first, as for all who write what is kept of an account: an erasure leaves nothing.
    there = accounts.hold(tx, userid)
    pair = of_pair(attempt.contact, attempt.client)
    attempts.lock(tx, pair)
    attempts.end_attempt(tx, attempt)
    if not set(attempts.accounts_of(tx, attempt.contact)) - {userid}:
        attempts.forget(tx, pair)
    if there:
        attempts.know(tx, userid, attempt.client)


def take(tx: Tx, what: str, client: str, pace: domain.Pace) -> None:
    """A client asks for a `sign-up` or a `reset`: everybody may so often. Raises TooManySignUps, TooManyResets."""
    name = of_client(client, what)
    attempts.lock(tx, name)
    taken_ms = _taken_ms(tx, name, pace) + pace.each_ms
    if taken_ms > pace.per_ms:
        raise _REFUSED[what](_seconds(taken_ms - pace.per_ms))
    attempts.count(tx, name, 0, tx.now_ms + taken_ms)


def give_back(tx: Tx, what: str, client: str, pace: domain.Pace) -> None:
    """Nothing came of it."""
    name = of_client(client, what)
    attempts.lock(tx, name)
    attempts.shorten(tx, name, pace.each_ms)


def _paces(attempt: domain.SignInAttempt, policy: domain.LockoutPolicy) -> dict[str, domain.Pace]:
    """What a client shares with others, unless the account knows it."""
    if attempt.known:
        return {}
    return {of_client(attempt.client): policy.of_client, of_contact(attempt.contact): policy.of_contact}


def _failures(tx: Tx, pair: str, policy: domain.LockoutPolicy) -> tuple[int, int]:
    """The failures in a row, and until when there is a wait. They are forgotten when there was none for as long as the
    longest wait, after their own."""
    failures, until_ms = attempts.counted(tx, pair)
    counts = is_ahead(until_ms + policy.longest_ms, tx.now_ms, 2 * policy.longest_ms)
    return (failures, until_ms) if counts else (0, 0)


def _taken_ms(tx: Tx, name: str, pace: domain.Pace) -> int:
    """How long it takes until all that was taken is given back, ms."""
    _, until_ms = attempts.counted(tx, name)
    return until_ms - tx.now_ms if is_ahead(until_ms, tx.now_ms, pace.per_ms) else 0


def _seconds(ms: int) -> int:
    return -(-ms // 1000)
