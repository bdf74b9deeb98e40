"""The rule that every operation carries, and the one function that applies it: what is not granted is denied."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from gbike.kit.auth.principal import OwnerScope, Principal

RIDER, BIKE_MANAGER = "rider", "bikeManager"
ADMIN = "admin"
ROLES = (RIDER, BIKE_MANAGER, ADMIN)
SCRAPER = "scraper"
"""Who collects metrics, as a service."""


class Rule(msgspec.Struct, frozen=True):
    """Who may ask for an operation: roles for what is their own, roles for everybody's things, services, anybody."""

    own: frozenset[str] = frozenset()
    all: frozenset[str] = frozenset()
    by: Literal["userid", "managerid"] = "userid"
    """Which number of the principal says what is their own."""
    services: frozenset[str] = frozenset()
    public: bool = False
    visitors: bool = False
    """Whether who shows no token is let in too, as somebody who has nothing; a token that is shown must be good."""


def may(
    *,
    own: Iterable[str] = (),
    all: Iterable[str] = (),
    by: Literal["userid", "managerid"] = "userid",
    services: Iterable[str] = (),
    visitors: bool = False,
) -> Rule:
    """A rule, from roles and services. Raises ValueError for a role that there is not."""
    rule = Rule(frozenset(own), frozenset(all), by, frozenset(services), visitors=visitors)
    if unknown := (rule.own | rule.all) - set(ROLES):
        raise ValueError(f"there is no role {', '.join(sorted(unknown))}")
    return rule


PUBLIC = Rule(public=True)
"""Whoever asks: health, documents, signing in."""
SIGNED_IN = may(all=ROLES)
VISITORS = may(all=ROLES, visitors=True)
"""What can be seen in the street anyway: everybody, with an account or without."""
PEOPLE = may(own=(RIDER, BIKE_MANAGER), all=(ADMIN,))
"""Everybody for themselves, an admin for everybody."""
ADMINS = may(all=(ADMIN,))
WATCHERS = may(all=(ADMIN,), services=(SCRAPER,))


def allow(principal: Principal, rule: Rule) -> OwnerScope | None:
    """Whose things the principal may do this with; None: they may not do it at all."""
    if rule.public:
        return OwnerScope.NONE  # nothing that is anybody's is answered where anybody may ask
    if principal.service is not None:
        return OwnerScope.ALL if principal.service in rule.services else None
    if principal.roles & rule.all:
        return OwnerScope.ALL
    number = principal.userid if rule.by == "userid" else principal.managerid
    return OwnerScope(number) if principal.roles & rule.own and number is not None else None
