"""Which version of an account its access tokens are of: how often what they say of it has changed.

A number and no moment, read in the same statement as the roles: a token that was made of an older look at the account
is of an older version, whoever was faster and whatever the clocks of two machines say. It is a counter of the floor,
which only those accounts have whose tokens had to be refused.
"""

from gbike.kit.store import Tx

TOKEN_VERSION = "coalesce((SELECT n FROM counters WHERE name = 'tokens:' || userid), 0)"  # noqa: S105 - no secret
"""A column of `accounts`; 0 until the first change."""


def raise_token_version(tx: Tx, userid: int) -> int:
    """Tokens issued until now are of an older version from here on; answers the new one."""
    row = tx.one(
        "INSERT INTO counters (name, n) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n",
        (f"tokens:{userid}",),
    )
    return int(row[0]) if row else 0
