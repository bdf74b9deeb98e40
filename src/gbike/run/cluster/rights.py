"""What each login may do in the PostgreSQL of a secure cluster, put right whatever was given before: so a cluster that
knew one superuser and no password is carried over, and whoever is killed in it begins again."""

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from gbike.run.engines.scram import verifier

Server = psycopg.Connection[tuple[Any, ...]]

_A_LOGIN: LiteralString = (
    "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
)
_MEMBERS = (
    "SELECT given.rolname, taker.rolname FROM pg_auth_members AS one"
    " JOIN pg_roles AS given ON given.oid = one.roleid JOIN pg_roles AS taker ON taker.oid = one.member"
)
_TO_ITS_OWNER = """
DO $$ DECLARE command text; owner name = current_database(); BEGIN
  FOR command IN
    SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, owner) FROM pg_class AS one
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
      AND pg_get_userbyid(relowner) <> owner AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one.oid AND deptype IN ('a', 'i'))
    UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO %I', oid::regprocedure, owner) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) <> owner
  LOOP EXECUTE command; END LOOP;
END $$
"""
"""What is in a database is its owner's, who is called as it is; a column's sequence goes with its table."""
_READ: tuple[LiteralString, ...] = (
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {reader}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {reader}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON SEQUENCES TO {reader}",
)


def make_logins(server: Server, passwords: Mapping[str, str], reader: str) -> None:
    """Make these logins, with these passwords and no right beyond their own; `reader` is one of them."""
    known = {row[0] for row in server.execute("SELECT rolname FROM pg_roles")}
    for login, password in passwords.items():
        if login not in known:
            _do(server, "CREATE ROLE {}", login)
        server.execute(sql.SQL(_A_LOGIN).format(sql.Identifier(login), sql.Literal(verifier(password))))
    for role, member in server.execute(_MEMBERS).fetchall():
        if member in passwords:
            _do(server, "REVOKE {} FROM {}", role, member)
    _do(server, "ALTER ROLE {} SET default_transaction_read_only = on", reader)


def make_database(server: Server, name: str, reader: str) -> None:
    """Make a database that belongs to the login of its name, or give it to that."""
    if server.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        _do(server, "CREATE DATABASE {} OWNER {}", name, name)
    _do(server, "ALTER DATABASE {} OWNER TO {}", name, name)
    _do(server, "GRANT CONNECT ON DATABASE {} TO {}", name, reader)


def close_databases(server: Server) -> None:
    """Nobody enters a database whom it does not name."""
    for (name,) in server.execute("SELECT datname FROM pg_database").fetchall():
        _do(server, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)


def give_contents(database: Server, owner: str, reader: str) -> None:
    """All that is in a database is its owner's, and `reader` may read it and what comes; in one transaction."""
    names = {"owner": sql.Identifier(owner), "reader": sql.Identifier(reader)}
    with database.transaction():
        database.execute(_TO_ITS_OWNER)
        for right in _READ:
            database.execute(sql.SQL(right).format(**names))


def _do(server: Server, command: LiteralString, *names: str) -> None:
    server.execute(sql.SQL(command).format(*map(sql.Identifier, names)))
