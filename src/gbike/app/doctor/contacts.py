"""Accounts of before whose contacts are one and the same: each gets in by what it typed, and nobody can claim it."""

from collections.abc import Iterator, Mapping
from itertools import groupby

import apsw

from gbike.app.copies import NoData
from gbike.app.doctor.finding import Finding
from gbike.app.readings import open_urls
from gbike.kit.store import StoreUnavailable

SHARED = "SELECT normal, userid FROM accounts WHERE shared = 1 ORDER BY normal, userid"


def same(urls: Mapping[str, str]) -> Iterator[Finding]:
    """Each contact that several accounts have, by their numbers. A store that can't be read is told elsewhere."""
    if "account" not in urls:
        return
    try:
        with open_urls({"account": urls["account"]}, "contacts") as stores:
            rows = list(stores["account"].all(SHARED))
    except (NoData, StoreUnavailable, apsw.Error):
        return
    for _, group in groupby(rows, lambda row: row[0]):
        numbers = [str(row[1]) for row in group]
        if len(numbers) > 1:
            what = f"accounts {', '.join(numbers)} have the same contact, written differently"
            how = "each signs in by what it typed; let all but one take another (POST /accounts/USERID/contact)"
            yield Finding("same-contact", what, how, wrong=False)
