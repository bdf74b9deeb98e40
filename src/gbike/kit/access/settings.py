"""What may be set of who comes in, in the secure forms."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.kit.access.limits import ANONYMOUS_ASKS, READS, RENEWALS, RENTS, REPORTS, RETURNS, SESSIONS, SIGN_INS, WRITES


class AccessSettings(msgspec.Struct, frozen=True):
    """Tokens, proxies and paces. Each process counts for itself."""

    issuer: Annotated[str, Meta(min_length=1, description="who signs access tokens, as they say")] = "gbike"
    outside_issuers: Annotated[
        str,
        Meta(description="other issuers that are trusted wholly (OIDC): ISSUER=URL of its JWKS, separated by spaces"),
    ] = ""
    service_key_file: Annotated[str, Meta(description="PEM of this service's own Ed25519 key, to call others")] = ""
    service_keys: Annotated[str, Meta(description="folder with NAME.pub of each service that may call this one")] = ""
    scraper_token_file: Annotated[str, Meta(description="file with the token that a collector of metrics shows")] = ""
    trusted_proxies: Annotated[
        str, Meta(description="proxies whose X-Forwarded headers are believed: addresses or networks, with commas")
    ] = ""
    limit_rents_per_min: Annotated[int, Meta(ge=0, description="rents a minute and account; 0: no limit")] = 10
    limit_reports_per_min: Annotated[int, Meta(ge=0, description="reports a minute and account; 0: no limit")] = 30
    limit_writes_per_min: Annotated[int, Meta(ge=0, description="other changes a minute and account; 0: no limit")] = (
        120
    )
    limit_reads_per_min: Annotated[int, Meta(ge=0, description="readings a minute and account; 0: no limit")] = 300
    limit_returns_per_min: Annotated[int, Meta(ge=0, description="returns a minute and token; 0: no limit")] = 60
    limit_anonymous_per_min: Annotated[
        int, Meta(ge=0, description="requests without a valid token a minute and address; 0: no limit")
    ] = 60
    limit_sign_ins_per_min: Annotated[
        int, Meta(ge=0, description="sign-ins, sign-ups and resets a minute and address; 0: no limit")
    ] = 60
    limit_sessions_per_min: Annotated[
        int, Meta(ge=0, description="refreshes and sign-outs a minute and session; 0: no limit")
    ] = 60
    limit_renewals_per_min: Annotated[
        int, Meta(ge=0, description="refreshes and sign-outs a minute and address, a campus being one; 0: no limit")
    ] = 3_000

    @property
    def paces(self) -> dict[str, int]:
        """How often one may ask, by pace."""
        return {
            RENTS: self.limit_rents_per_min,
            REPORTS: self.limit_reports_per_min,
            WRITES: self.limit_writes_per_min,
            READS: self.limit_reads_per_min,
            RETURNS: self.limit_returns_per_min,
            ANONYMOUS_ASKS: self.limit_anonymous_per_min,
            SIGN_INS: self.limit_sign_ins_per_min,
            SESSIONS: self.limit_sessions_per_min,
            RENEWALS: self.limit_renewals_per_min,
        }
