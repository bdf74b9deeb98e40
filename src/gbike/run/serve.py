"""`gbike serve NAME`: one service in a process, on the engines that its settings name.

It listens at once and says so (`/health/live`); it is ready when its store is there and its schema is the newest. A
broker that is away delays nobody: what is said waits in the outbox.
"""

import argparse
import asyncio
import logging
import os
import random
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.auth.addresses import Proxies
from gbike.kit.auth.certificates import Certificates, certificates, dns_name
from gbike.kit.auth.settings import AccessSettings
from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.clock import SystemClock, SystemIds, moment_in
from gbike.kit.http.app import Guard, HttpApp
from gbike.kit.http.problems import UNAVAILABLE
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.http.standard import standard_operations
from gbike.kit.messaging.bus import BusUnavailable, Subscription
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.subscription import KafkaSubscription
from gbike.kit.messaging.kafka.tail import KafkaTail
from gbike.kit.messaging.kafka.topic import PACE_MS, topic_of
from gbike.kit.service import Dependencies, ServiceSpec, Worker
from gbike.kit.settings import BadSetting, environment, load
from gbike.kit.storage.postgres.login import POSTGRES, password_in, with_password, without_password
from gbike.kit.store import Store
from gbike.kit.telemetry import LogThrottle, Metrics, configure_logs, log
from gbike.run import CannotDo
from gbike.run.auth_mode import AuthMode, TokenMode, not_for_production, on_loopback_only
from gbike.run.defaults import about_test_payments, with_defaults
from gbike.run.faults import BadFault, Late, read_delay
from gbike.run.file_trouble import told as line_about
from gbike.run.hearing import KINDS, SPEAKER, Hearing
from gbike.run.registry import speakers, usual_port
from gbike.run.registry import spec as find_spec
from gbike.run.single import SQLITE, Drivers, assemble_one, migrate_store, open_store
from gbike.run.tracing import start_tracing, stop_tracing

if TYPE_CHECKING:
    from gbike.kit.calls.remote import HttpCaller

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
"""Between two tries to reach the store at the start."""
AGES_S = 60
"""Between two looks at when certificates expire and when the last backup was made."""
CLOSE_S = 1.5
"""For letting go of broker and store; with the open requests' time it is less than 5 s."""
HEAR_S = 5
"""How long a start waits to hear whose tokens are refused."""
READINESS = ("/health/ready", "/actuator/health")


class ServeSettings(Struct, frozen=True):
    """What may be set of the process that a service runs in."""

    store_url: Annotated[str, Meta(description="the service's database: sqlite:///PATH or postgresql://…")] = ""
    store_password_file: Annotated[
        str,
        Meta(description="the file with the password of that user, where the URL has none; read for each connection"),
    ] = ""
    kafka: Annotated[str, Meta(description="bootstrap servers of Kafka: host:port, several separated by commas")] = ""
    kafka_login: Annotated[str, Meta(description="who we are at Kafka (SCRAM-SHA-512); none: it is open")] = ""
    kafka_password_file: Annotated[str, Meta(description="the file with that login's password")] = ""
    instance: Annotated[str, Meta(description="this replica's name, kept over restarts: 1, 2, a pod's name")] = ""
    demo: Annotated[bool, Meta(description="1: open to whoever reaches it, on loopback or inside a pod")] = False
    demo_slow_ms: Annotated[str, Meta(description="for trying out, in the demo: every answer so late, 400-620")] = ""
    backed_up: Annotated[str, Meta(description="the file that tells when a cluster's last backup was made")] = ""
    drain_s: Annotated[
        float,
        Meta(ge=0, le=60, description="after SIGTERM: not ready, but answering, s; in a cluster 6, above clients' 4 s"),
    ] = 0


class CannotServe(CannotDo):
    """The service can't be started like this; the text says what to mend."""


def run_service(name: str, host: str, port: int | None, env: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. Settings: `env` over files in GBIKE_SETTINGS_DIR. Raises CannotDo, BadSetting."""
    spec = find_spec(name)
    settings = settings_for(env)
    chosen = load(ServeSettings, settings)
    load(spec.settings, settings)  # told now, not when the store is there
    _check(spec, chosen, settings, host, in_a_pod="KUBERNETES_SERVICE_HOST" in env)
    known = certificates(settings)
    if known is not None:
        _check_peers(spec, chosen, settings)
    configure_logs(settings.get("GBIKE_LOG_LEVEL", "INFO"))
    if spec.name == "user_deposit" and not chosen.demo and (told := about_test_payments(settings)):
        log.warning("test payments", service=spec.name, why=told.partition("\n")[0])
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    here = usual_port(spec.name) if port is None else port
    run(_serve(spec, chosen, settings, host=host, port=here, inside=known))


def settings_for(env: Mapping[str, str]) -> dict[str, str]:
    """`env` over the files in GBIKE_SETTINGS_DIR, over the defaults of demo or secure forms. Raises BadSetting."""
    given = environment(env, Path(env.get("GBIKE_SETTINGS_DIR", "/etc/gbike")))
    return with_defaults(given, secure=not load(ServeSettings, given).demo)


def _check(spec: ServiceSpec, chosen: ServeSettings, settings: Mapping[str, str], host: str, in_a_pod: bool) -> None:
    if chosen.demo:
        not_for_production(settings)
        on_loopback_only(host, "GBIKE_DEMO=1", in_a_pod=in_a_pod)
    if not chosen.demo and spec.name == "account" and not settings.get("GBIKE_ACCOUNT_KEYS"):
        raise CannotServe("GBIKE_ACCOUNT_KEYS is not set: the folder of the keys that access tokens are signed with")
    if not chosen.demo and spec.calls and "GBIKE_SERVICE_KEY_FILE" not in settings:
        raise CannotServe(f"GBIKE_SERVICE_KEY_FILE is not set: {spec.name} needs a key of its own to ask its peers")
    if not chosen.store_url.startswith((SQLITE, POSTGRES)):
        told = without_password(chosen.store_url)
        raise CannotServe(f"GBIKE_STORE_URL={told!r}: write {SQLITE}PATH or {POSTGRES}user@host/database")
    if chosen.store_url.startswith(POSTGRES):
        import_module("psycopg")  # told now, as what follows: where it is missing the store would be waited for
    password_in(chosen.store_password_file)
    if not chosen.kafka:
        raise CannotServe("GBIKE_KAFKA is not set: write the bootstrap servers, 127.0.0.1:9092")
    try:
        _broker(chosen).client()
    except BusUnavailable as wrong:
        raise CannotServe(f"GBIKE_KAFKA_PASSWORD_FILE: {wrong}") from None
    if chosen.demo_slow_ms:
        try:
            read_delay(chosen.demo_slow_ms)
        except BadFault as wrong:
            raise CannotServe(f"GBIKE_DEMO_SLOW_MS: {wrong}") from None


def _check_peers(spec: ServiceSpec, chosen: ServeSettings, settings: Mapping[str, str]) -> None:
    """With mutual TLS there is nothing of `/internal` on a peer's plain port: its 404 would read as a bike's."""
    if chosen.demo:
        raise CannotServe("GBIKE_TLS_CERT_FILE is set with GBIKE_DEMO=1: in the demo services have no keys either")
    for name in {*spec.calls, "account"} - {spec.name}:
        setting = f"GBIKE_PEER_{name.upper()}_URL"
        urls = settings.get(setting, "").split(",")
        if not all(url.strip().startswith("https://") for url in urls):
            raise CannotServe(f"{setting}={settings.get(setting, '')!r}: with GBIKE_TLS_CERT_FILE it must be https://…")


async def _serve(
    spec: ServiceSpec,
    chosen: ServeSettings,
    env: Mapping[str, str],
    *,
    host: str,
    port: int,
    inside: tuple[Certificates, int] | None,
) -> None:
    known, tls_port = inside or (None, 0)
    listener = listen(host, port)
    alone = ServiceProcess(spec, chosen, env, known)
    trusts = Proxies(load(AccessSettings, env).trusted_proxies).trusts
    server = HttpServer(alone.answer, chosen.drain_s, trusts)
    if known is not None:
        server.let_in(listen(host, tls_port), alone.answer_inside, known.to_answer())
    alone.ending = lambda: server.draining

    def ended(started: "asyncio.Task[None]") -> None:
        """Who can't be put together never will be ready: it ends, and says why."""
        server.should_exit |= not started.cancelled() and started.exception() is not None

    server.heed_signals()
    starting = asyncio.create_task(alone.start())
    starting.add_done_callback(ended)
    log.info("listening", service=spec.name, port=listener.getsockname()[1], pid=os.getpid())
    try:
        await server.answer(listener)
    finally:
        starting.cancel()
        [failed] = await asyncio.gather(starting, return_exceptions=True)
        await alone.stop()
        log.info("stopped", service=spec.name)
    if isinstance(failed, Exception):
        raise failed


def _broker(chosen: ServeSettings) -> Broker:
    return Broker(chosen.kafka, chosen.kafka_login, chosen.kafka_password_file)


def _why(away: Exception) -> str:
    return line_about(away) or str(away).strip() or repr(away)


class ServiceProcess:
    """One service, from before its store is there until after it is closed."""

    def __init__(
        self, spec: ServiceSpec, chosen: ServeSettings, env: Mapping[str, str], known: Certificates | None
    ) -> None:
        """`known`: with it services speak mutual TLS with each other."""
        self._spec, self._chosen = spec, chosen
        self._env, self._known = env, known
        self._clock, self._ids = SystemClock(), SystemIds()
        self._metrics = Metrics()
        self._bus = KafkaBus(_broker(chosen), spec.name if spec.publishes else "", chosen.instance)
        self._threads = ThreadPoolExecutor(4, "store")
        self._callers: list[HttpCaller] = []
        self._tracing = start_tracing(os.environ)
        self._store: Store | None = None
        self._drivers = Drivers(spec.name, ())
        self._auth_mode: AuthMode = AuthMode() if chosen.demo else self._lock()
        self._not_ready = _NotReady(spec.name, self._metrics, self._auth_mode.guard(spec.name))
        self._app: ASGIApp = self._not_ready
        self._inside: ASGIApp = self._not_ready
        self.ending: Callable[[], bool] = lambda: False
        """Whether it was asked to stop."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request. Who is asked to stop is not ready, but answers everything else."""
        if self.ending() and scope["type"] == "http" and scope["path"] in READINESS:
            await self._not_ready(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def answer_inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request of another service, over mutual TLS."""
        await self._inside(scope, receive, send)

    async def start(self) -> None:
        """Open the store, as often as that takes; then answer and work."""
        hearing = self._hear()
        pause, told = FIRST_PAUSE_S, LogThrottle()
        while self._store is None:
            try:
                self._store = await self._open()
            except Exception as away:
                if told.is_news(why := _why(away)):
                    log.warning("the store is not there yet", service=self._spec.name, why=why)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
        await self._have_heard(hearing)
        running = assemble_one(self._spec, self._world(self._store))
        app = running.app
        if self._known is not None:
            from gbike.kit.http.auth import MutualTlsAuth

            app, self._inside = app.parted(MutualTlsAuth)
        self._app = self._late(app)
        ages = Worker("ages", self._ages, lambda: asyncio.sleep(AGES_S), drains=False)
        heard = [hearing.worker] if hearing else []
        self._drivers = Drivers(self._spec.name, [*running.workers, ages, *heard])
        self._drivers.start()
        log.info("ready", service=self._spec.name)

    async def stop(self) -> None:
        """Stop the workers and close everything; what was acknowledged is kept, whatever is away now."""
        await self._drivers.stop()
        store = self._store
        for closing in (
            self._bus.close,
            self._auth_mode.close,
            *(one.close for one in self._callers),
            *((store.close,) if store else ()),
        ):
            try:
                async with asyncio.timeout(CLOSE_S):
                    await closing()
            except Exception as failure:
                log.warning("not closed in order", service=self._spec.name, why=repr(failure))
        self._threads.shutdown(wait=False, cancel_futures=True)
        stop_tracing(self._tracing)

    async def _ages(self) -> int:
        for file, at_s in self._known.expire().items() if self._known else ():
            self._metrics.certificate_expires.labels(self._spec.name, file).set(at_s)
        if self._chosen.backed_up:
            made_ms = moment_in(Path(self._chosen.backed_up))
            self._metrics.backup.labels(self._spec.name).set(made_ms / 1000)
        return 0

    async def _open(self) -> Store:
        url, file = self._chosen.store_url, self._chosen.store_password_file
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, migrate_store, with_password(url, file), self._spec.versions)
        name = self._spec.name
        return open_store(url, name, self._clock, self._ids, committer=self._threads, password_file=file)

    def _late(self, app: HttpApp) -> ASGIApp:
        """`app`, as late as the demo's settings want it."""
        if not (self._chosen.demo and self._chosen.demo_slow_ms):
            return app
        return Late(app, read_delay(self._chosen.demo_slow_ms), random.Random().random)  # noqa: S311 - no secret

    def _world(self, store: Store) -> Dependencies:
        return Dependencies(
            clock=self._clock,
            ids=self._ids,
            chance=random.Random().random,  # noqa: S311 - for jitter only
            store=store,
            bus=self._bus,
            subscribe=self._subscribe,
            caller=lambda peer: self._auth_mode.caller(self._spec.name, peer, self._caller(peer)),
            env=self._env,
            metrics=self._metrics,
            guard=self._auth_mode.guard(self._spec.name),
            spans=self._tracing.spans(self._spec.name) if self._tracing else None,
            relay_pause_ms=PACE_MS,
        )

    def _hear(self) -> Hearing | None:
        """How the door hears whose tokens it refuses; None where it asks for none."""
        if not isinstance(self._auth_mode, TokenMode):
            return None
        revoked = self._auth_mode.revoked
        return Hearing(KafkaTail(self._bus, topic_of(SPEAKER), KINDS, self._clock, revoked.reach_ms), revoked)

    async def _have_heard(self, hearing: Hearing | None) -> None:
        """What was said lately is heard before anybody is let in, if that can be had soon: while the bus is away
        everything is served."""
        try:
            async with asyncio.timeout(HEAR_S):
                if hearing is not None:
                    await hearing.catch_up()
        except Exception as away:  # also the client library's own: the worker goes on from here
            log.warning("tokens are not refused before their end yet", service=self._spec.name, why=_why(away))

    def _subscribe(self, consumer: str, types: frozenset[str]) -> Subscription:
        return KafkaSubscription(self._bus, consumer, {kind: who for kind, who in speakers().items() if kind in types})

    def _lock(self) -> TokenMode:
        """Tokens are checked with the keys that account publishes; account itself asks itself."""
        here = InProcessCaller(lambda: self._app)
        account = here if self._spec.name == "account" else self._caller("account")
        return TokenMode(self._env, self._clock, self._ids, account)

    def _caller(self, name: str) -> "HttpCaller":
        from gbike.kit.calls.remote import HttpCaller  # most services call nobody

        url = self._env.get(f"GBIKE_PEER_{name.upper()}_URL") or f"http://127.0.0.1:{usual_port(name)}"
        tls = self._known.to_ask if self._known else None
        self._callers.append(HttpCaller(url, dns_name(name) if tls else "", tls))
        return self._callers[-1]


class _NotReady:
    """What answers before the store is there: alive, and 503 for everything else."""

    def __init__(self, service: str, metrics: Metrics, guard: Guard) -> None:
        self._app = HttpApp(service, standard_operations(service, [], None, metrics), {}, metrics, guard)
        self._refusing = self._app.refusing(UNAVAILABLE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in ("/health/live", "/metrics"):
            await self._app(scope, receive, send)
        else:
            await self._refusing(scope, receive, send)


class _Libraries(logging.Handler):
    """What libraries log goes into our log, a JSON object a line like the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def main() -> None:
    """`python -m gbike.run.serve NAME --port N`: what `gbike serve` does, for whoever starts many. The library of the
    command line takes a third of a start."""
    os.umask(0o077)
    asked = argparse.ArgumentParser("gbike serve")
    asked.add_argument("service")
    asked.add_argument("--port", type=int)
    asked.add_argument("--host", default="127.0.0.1")
    chosen = asked.parse_args()
    try:
        run_service(chosen.service, chosen.host, chosen.port, os.environ)
    except (CannotDo, BadSetting) as wrong:
        print(f"gbike: {wrong}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


if __name__ == "__main__":
    main()
