"""Headers that tell browsers what an answer is not: a page of ours, something to sniff at, or something to keep."""

import base64
import hashlib
from functools import cache

STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans KR',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "code{background:#f2f2f2;padding:.1em .3em;border-radius:3px}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}code{background:#2a2a2a}td,th{border-color:#333}}"
)
"""Of our pages for people."""
_SHA = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY = f"{POLICY}; style-src 'sha256-{_SHA}'"
"""Our pages for people have one style and no script."""
TLS_ONLY_S = 31_536_000
"""Whoever came over TLS once comes over TLS for a year."""

Headers = tuple[tuple[bytes, bytes], ...]


@cache
def protecting(*, page: bool = False, personal: bool = False, over_tls: bool = False) -> Headers:
    """The headers for an answer. `page`: it is one of ours for people; `personal`: it may hold what is somebody's, so
    that nobody keeps a copy."""
    found = [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", PAGE_POLICY if page else POLICY),
        ("referrer-policy", "no-referrer"),
    ]
    if personal:
        found.append(("cache-control", "no-store"))
    if over_tls:
        found.append(("strict-transport-security", f"max-age={TLS_ONLY_S}"))
    return tuple((name.encode(), value.encode()) for name, value in found)
