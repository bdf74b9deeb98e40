"""How account is put together: the one place that sees all of it."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from gbike.contracts.account import PUBLISHES
from gbike.kit import settings
from gbike.kit.auth.issuing import Issuer
from gbike.kit.auth.keyring import KeyFolder, Keys, MadeKeys
from gbike.kit.auth.passwords import Passwords, PasswordSettings
from gbike.kit.clock import Clock
from gbike.kit.contacts import REGION
from gbike.kit.service import POLL_S, Dependencies, Service, ServiceSpec, Worker
from gbike.services import NAMES
from gbike.services.account.clients.authenticator import Authenticators
from gbike.services.account.clients.letter_file import LetterFile
from gbike.services.account.clients.mail import Letters, Post
from gbike.services.account.clients.smtp import Mailer, mail_server
from gbike.services.account.domain import LockoutPolicy, Pace
from gbike.services.account.domain.consents import Terms
from gbike.services.account.http import REFUSALS, operations
from gbike.services.account.policies import POLICIES
from gbike.services.account.saga.reminding import remind
from gbike.services.account.saga.services import AccountPolicy, AccountServices
from gbike.services.account.storage import KEEPS, PERSONAL_DATA, VERSIONS

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TERMS_VERSION = "2026-11-30"
"""Of the texts that the pages of this gbike have."""


class AccountSettings(PasswordSettings, frozen=True):
    """What may be set of account."""

    account_keys: Annotated[
        str, Meta(description="folder of the keys that sign access tokens; empty: made at the start, for the demo")
    ] = ""
    issuer: Annotated[str, Meta(min_length=1, description="who signs access tokens, as they say")] = "gbike"
    audience: Annotated[str, Meta(description="services that take them, separated by commas")] = ",".join(NAMES)
    access_token_s: Annotated[int, Meta(ge=30, le=900, description="how long an access token lasts, s")] = 900
    session_days: Annotated[int, Meta(ge=1, le=365, description="after so long everybody signs in again, days")] = 30
    sign_in_failures: Annotated[
        int, Meta(ge=1, le=100, description="failures of a contact from one client before the next waits, 1 s and more")
    ] = 5
    sign_in_failures_per_ip: Annotated[
        int, Meta(ge=1, le=100_000, description="failures of one client, over all contacts, in SIGN_IN_WAIT_S")
    ] = 50
    sign_in_failures_per_contact: Annotated[
        int, Meta(ge=1, le=100_000, description="failures of a contact, from clients unknown to it, in SIGN_IN_WAIT_S")
    ] = 30
    sign_in_wait_s: Annotated[
        int, Meta(ge=1, le=86_400, description="the longest wait after a failure; so long failures are counted, s")
    ] = 900
    sign_ups_per_ip: Annotated[
        int, Meta(ge=1, le=100_000, description="accounts that one client may make at once, and in an hour")
    ] = 3_000
    resets_per_ip: Annotated[
        int, Meta(ge=1, le=100_000, description="password resets that one client may ask for at once, and in an hour")
    ] = 100
    staff_codes: Annotated[
        Literal["optional", "required"],
        Meta(description="required: staff and admins are only riders until they have an authenticator"),
    ] = "optional"
    reset_file: Annotated[
        str, Meta(description="file of letters (resets, codes, notices) for the operator to forward; empty: none")
    ] = ""
    smtp_url: Annotated[
        str,
        Meta(
            description="mail server for letters to e-mail addresses: smtp[s]://user:password@host:port, smtp:// with"
            " STARTTLS but on this machine; empty: the file has all letters"
        ),
    ] = ""
    mail_from: Annotated[str, Meta(description="address that letters by e-mail come from; needed for SMTP_URL")] = ""
    reset_page: Annotated[
        str, Meta(description="page of your own to set a new password, the token follows its #; empty: that of the app")
    ] = ""
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s#?]*[^\s#?/])?$",
            description="address of the pages as people reach them, as https://bikes.example: links in letters begin"
            " with it; empty: where it is served on this machine, on Kubernetes links are paths",
        ),
    ] = ""
    terms_version: Annotated[
        str, Meta(pattern=r"^[\w.-]{1,64}$", description="of the terms that people agree to, of use and of location")
    ] = TERMS_VERSION
    terms_url: Annotated[
        str, Meta(pattern=r"^(https?://\S+)?$", description="your terms of use; empty: those of gbike's own pages")
    ] = ""
    location_terms_url: Annotated[
        str, Meta(pattern=r"^(https?://\S+)?$", description="your terms of location; empty: those of gbike's own pages")
    ] = ""
    phone_region: Annotated[
        str, Meta(pattern="^[A-Z]{2}$", description="country of phone numbers without a country code, ISO 3166")
    ] = REGION
    reset_minutes: Annotated[int, Meta(ge=1, le=120, description="how long a password reset is good, minutes")] = 30

    @property
    def policy(self) -> AccountPolicy:
        wait_ms = self.sign_in_wait_s * 1000
        of_client, of_contact = self.sign_in_failures_per_ip, self.sign_in_failures_per_contact
        return AccountPolicy(
            lockout=LockoutPolicy(self.sign_in_failures, wait_ms, Pace(of_client, wait_ms), Pace(of_contact, wait_ms)),
            sign_ups=Pace(self.sign_ups_per_ip, HOUR_MS),
            resets=Pace(self.resets_per_ip, HOUR_MS),
            session_ms=self.session_days * DAY_MS,
            reset_ms=self.reset_minutes * MINUTE_MS,
            codes_required_of_staff=self.staff_codes == "required",
            phone_region=self.phone_region,
            public_url=self.public_url,
            terms=Terms(self.terms_version, self.terms_url, self.location_terms_url),
        )


def keys_of(chosen: AccountSettings) -> Keys:
    return KeyFolder(Path(chosen.account_keys)) if chosen.account_keys else MadeKeys()


def post_of(chosen: AccountSettings, clock: Clock) -> tuple[Post, list[Worker]]:
    """What brings letters to people, and what drives it. Raises BadSetting."""
    file = LetterFile(Path(chosen.reset_file) if chosen.reset_file else None)
    if not chosen.smtp_url:
        return file, []
    mailer = Mailer(mail_server(chosen.smtp_url, chosen.mail_from), file, clock)
    return mailer, [Worker("mail", mailer.step, mailer.wait, drains=False)]


def build(deps: Dependencies) -> Service:
    chosen = settings.load(AccountSettings, deps.env)
    keys = keys_of(chosen)
    issuer = Issuer(
        keys,
        deps.clock,
        deps.ids,
        name=chosen.issuer,
        audience=chosen.audience.split(","),
        lasts_s=chosen.access_token_s,
    )
    post, driving = post_of(chosen, deps.clock)
    page = f"{chosen.reset_page}#" if chosen.reset_page else f"{chosen.public_url}/app/#/reset/"
    services = AccountServices(
        store=deps.store,
        ids=deps.ids,
        passwords=Passwords(chosen),
        authenticators=Authenticators(keys, deps.clock),
        issuer=issuer,
        sender=Letters(post, page, chosen.reset_minutes),
        clock=deps.clock,
        policy=chosen.policy,
    )
    shown = operations(services, keys, chosen.issuer)
    reminding = Worker("reminders", partial(remind, services), lambda: asyncio.sleep(POLL_S))
    return Service("account", shown, REFUSALS, POLICIES, workers=(reminding, *driving), retention=KEEPS)


SPEC = ServiceSpec(
    name="account",
    title="Account: who people are and what they may do",
    paths=("/accounts", "/sessions", "/.well-known"),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    build=build,
    settings=AccountSettings,
)
