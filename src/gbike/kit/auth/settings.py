"""What may be set of who comes in, in the secure forms."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.kit.auth.limits import ANONYMOUS_ASKS, READS, RENEWALS, SESSIONS, SIGN_INS, VISITS, WRITES


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
    limit_writes_per_min: Annotated[int, Meta(ge=0, description="other changes a minute and account; 0: no limit")] = (
        120
    )
    limit_reads_per_min: Annotated[int, Meta(ge=0, description="readings a minute and account; 0: no limit")] = 300
    limit_anonymous_per_min: Annotated[
        int, Meta(ge=0, description="requests without a valid token a minute and address; 0: no limit")
    ] = 60
    limit_visits_per_min: Annotated[
        int,
        Meta(
            ge=0,
            description="looks without a token, where no account is needed, a minute and address; 0: no limit",
        ),
    ] = 300
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
        """How often one may ask, by the name of the pace."""
        return {
            WRITES.name: self.limit_writes_per_min,
            READS.name: self.limit_reads_per_min,
            ANONYMOUS_ASKS.name: self.limit_anonymous_per_min,
            VISITS.name: self.limit_visits_per_min,
            SIGN_INS.name: self.limit_sign_ins_per_min,
            SESSIONS.name: self.limit_sessions_per_min,
            RENEWALS.name: self.limit_renewals_per_min,
        }
