"""Accounts in SQL. Of every secret that opens something (refresh and reset tokens, invitations) only the SHA-256 is
kept: each is 256 bits of chance, so nobody gets from the one to the other. Contacts and clients in `tries`, `attempts`
and `households` are hashed too."""

from pathlib import Path

from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.retention import DAY_MS, RetentionRule

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "accounts",
        ("userid", "name", "contact", "normal", "roles", "managerid", "codes_wanted", "created_ms", "erased_ms"),
        "FROM accounts WHERE userid = ?",
    ),
    PersonalData("parts of the name", ("part",), "FROM name_parts WHERE userid = ? ORDER BY part"),
    PersonalData("contacts", ("contact", "normal", "until_ms"), "FROM contact_proofs WHERE userid = ?"),
    PersonalData(
        "invitations",
        ("invitationid", "contact", "normal", "roles", "managerid", "since_ms", "expires_ms"),
        "FROM invitations WHERE normal IN (SELECT normal FROM accounts WHERE userid = ?)",
    ),
    PersonalData(
        "sessions",
        ("since_ms", "used_ms", "client", "agent", "expires_ms", "ended_ms"),
        "FROM sessions WHERE userid = ? ORDER BY expires_ms",
    ),
    PersonalData("known clients", ("seen_ms",), "FROM households WHERE userid = ? ORDER BY seen_ms"),
    PersonalData("consents", ("kind", "version", "at_ms"), "FROM consents WHERE userid = ? ORDER BY kind"),
    PersonalData("rides", ("rentid", "over", "at_ms"), "FROM rides WHERE userid = ? ORDER BY rentid"),
    PersonalData("balances", ("deposit",), "FROM balances WHERE userid = ?"),
)
KEEPS = (
    # A refresh token that comes back after its session has expired is refused as one that never was.
    RetentionRule(
        DAY_MS, "DELETE FROM sessions WHERE family IN (SELECT family FROM sessions WHERE expires_ms < ? LIMIT ?)"
    ),
    RetentionRule(
        DAY_MS,
        "DELETE FROM refresh_tokens WHERE token IN (SELECT token FROM refresh_tokens WHERE expires_ms < ? LIMIT ?)",
    ),
    RetentionRule(DAY_MS, "DELETE FROM resets WHERE token IN (SELECT token FROM resets WHERE expires_ms < ? LIMIT ?)"),
    RetentionRule(
        DAY_MS,
        "DELETE FROM invitations WHERE invitationid IN"
        " (SELECT invitationid FROM invitations WHERE expires_ms < ? LIMIT ?)",
    ),
    # The moment is asked for in the deletion itself: a try may be counted between the look and the deletion.
    RetentionRule(
        DAY_MS, "DELETE FROM tries WHERE since_ms < ? AND whose IN (SELECT whose FROM tries ORDER BY since_ms LIMIT ?)"
    ),
    RetentionRule(
        DAY_MS,
        "DELETE FROM contact_codes WHERE since_ms < ? AND whose IN"
        " (SELECT whose FROM contact_codes ORDER BY since_ms LIMIT ?)",
    ),
    # A try ends within a minute; what is left is of processes that were killed.
    RetentionRule(DAY_MS, "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE at_ms < ? LIMIT ?)"),
    RetentionRule(
        90 * DAY_MS,
        "DELETE FROM households WHERE seen_ms < ? AND client IN"
        " (SELECT client FROM households ORDER BY seen_ms LIMIT ?)",
    ),
    # As long as the inbox, so that a ride's beginning that is heard late, or again, does not open it anew.
    RetentionRule(
        30 * DAY_MS, "DELETE FROM rides WHERE rentid IN (SELECT rentid FROM rides WHERE over = 1 AND at_ms < ? LIMIT ?)"
    ),
)
