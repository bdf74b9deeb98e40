"""Whoever is signed in stays signed in, authenticators go on, and the cluster is as secure as the folder was."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pyotp
import pytest

from dev.tcp_ports import free_port
from gbike.cli.up import settings_in
from gbike.kit.auth.keyring import KeyFolder
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.service import assemble
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.run.cluster.logins import Logins
from gbike.run.cluster.plan import MOVING, read_plan
from gbike.run.embedded import Embedded
from gbike.run.engines import postgres
from gbike.run.event_map import inert_dependencies
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.services import NAMES
from gbike.services.account.wiring import SPEC
from tests.architecture.source import ROOT
from tests.cluster.running import gbike, new_folder
from tests.move.moving import move, moved
from tests.services.account.people import CHEAP, KIM, LEE, PASSWORD
from tests.support import Client, Reply

SECRETS = ROOT / "deploy/kubernetes/components/accounts/secrets.sh"


class Before:
    """A secure folder, stopped, and what its people hold."""

    def __init__(self, path: Path) -> None:
        self.folder = DataFolder(path)
        self.token = ""
        self.codes = pyotp.TOTP(pyotp.random_base32())
        self.last = 0


async def sign_in(client: Client, contact: str, code: str = "") -> Reply:
    more = {"code": code} if code else {}
    return await client.post("/sessions", {"contact": contact, "password": PASSWORD, **more})


async def two_people(path: Path) -> Before:
    """Kim is signed in; Lee has an authenticator; both wait for a letter."""
    before = Before(path)
    before.folder.acquire("a test")
    before.folder.release()
    claim(before.folder, Mode.SECURE)
    env = settings_in(path, CHEAP)
    KeyFolder(path / "keys").make()
    embedded = Embedded(before.folder, env, secure=True)
    client = Client(embedded.app)
    for contact in (KIM, LEE):
        assert (await client.post("/accounts", {"name": "A", "contact": contact, "password": PASSWORD})).status == 202
    before.token = (await sign_in(client, KIM)).json["access_token"]
    lee = {"authorization": f"Bearer {(await sign_in(client, LEE)).json['access_token']}"}
    letters = [json.loads(line) for line in (path / "resets.jsonl").read_text().splitlines()]
    for userid, token in ((1, {"authorization": f"Bearer {before.token}"}), (2, lee)):
        [code] = [letter["code"] for letter in letters if letter["to"] == f"account {userid}"]
        proved = await client.post(f"/accounts/{userid}/contact/proof", {"code": code}, **token)
        assert proved.json["contact_proved"] is True, proved
    given = await client.post("/accounts/2/authenticator", {}, **lee)
    before.codes = pyotp.TOTP(given.json["secret"])
    before.last = SystemClock().now_ms() // 1000
    confirmation = {"code": before.codes.at(before.last)}
    done = await client.post("/accounts/2/authenticator/confirmation", confirmation, **lee)
    assert done.json["codes"] is True, done
    assert (await client.post("/accounts/passwordResets", {"contact": KIM})).status == 202
    await embedded.settle()
    await embedded.stop()
    return before


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    return asyncio.run(two_people(tmp_path_factory.mktemp("before") / "data"))


@pytest.fixture(scope="module")
def cluster(before: Before) -> Iterator[Path]:
    """The folder of a cluster, filled."""
    data = new_folder()
    try:
        printed = moved(before.folder, data)
        assert f"gbike cluster up --data {data}" in printed
        yield data
    finally:
        shutil.rmtree(data.parent)


@contextmanager
def running(data: Path) -> Iterator[int]:
    """The cluster's PostgreSQL alone."""
    port = free_port()
    program = postgres.program(data / "postgres", port)
    with subprocess.Popen(program.command, user=program.user, cwd="/", stderr=subprocess.DEVNULL) as process:
        while not asyncio.run(postgres.ready(port)):
            assert process.poll() is None
        yield port
        process.terminate()


def test_who_was_signed_in_is_and_authenticators_open(before: Before, cluster: Path) -> None:
    keys = cluster / "keys" / "account" / "signing"
    env = {**CHEAP, "GBIKE_ACCOUNT_KEYS": str(keys)}
    published = {key.kid: key.private.public_key() for key in KeyFolder(keys).published()}
    claims = jwt.decode(
        before.token, published[jwt.get_unverified_header(before.token)["kid"]], ["EdDSA"], {"verify_aud": False}
    )
    assert claims["sub"] == "1"

    async def again(port: int) -> tuple[Reply, Reply, Reply]:
        url = Logins(cluster, NAMES).urls(port)["account"]
        store = PostgresStore(url, clock=SystemClock(), ids=SystemIds(), source="account")
        deps = inert_dependencies(store, env)
        client = Client(assemble(deps, SPEC.build(deps)).app)
        try:
            code = before.codes.at(max(before.last + 30, SystemClock().now_ms() // 1000))  # each counts once
            return await sign_in(client, KIM), await sign_in(client, LEE), await sign_in(client, LEE, code)
        finally:
            await store.close()

    with running(cluster) as port:
        kim, without_code, with_code = asyncio.run(again(port))
    assert kim.status == 200, kim
    assert without_code.status != 200
    assert with_code.status == 200, with_code


def test_keys_and_letters_are_its_users_alone(before: Before, cluster: Path) -> None:
    old, new = before.folder.path / "keys", cluster / "keys" / "account" / "signing"
    assert {file.name for file in new.iterdir()} == {"current.pem", "seal.key"}
    for name in ("current.pem", "seal.key"):
        assert (new / name).read_bytes() == (old / name).read_bytes()
        assert stat.S_IMODE((new / name).stat().st_mode) == 0o600
        assert (new / name).stat().st_mtime_ns == (old / name).stat().st_mtime_ns
    assert (cluster / "resets.jsonl").read_text() == (before.folder.path / "resets.jsonl").read_text()
    assert stat.S_IMODE((cluster / "resets.jsonl").stat().st_mode) == 0o600


def test_what_was_secure_is_never_opened(before: Before, cluster: Path, tmp_path: Path) -> None:
    plan = read_plan(cluster)
    assert plan is not None
    assert not plan.demo
    refused = gbike("cluster", "up", "--demo", "--port", "0", "--data", str(cluster))
    assert refused.returncode == 2
    assert "is the folder of a secure cluster" in refused.stderr


def test_a_folder_that_was_not_filled_to_its_end_is_not_started(before: Before, cluster: Path) -> None:
    (cluster / MOVING).write_text(str(before.folder.path.resolve()))
    try:
        refused = gbike("cluster", "up", "--port", "0", "--data", str(cluster))
    finally:
        (cluster / MOVING).unlink()
    assert refused.returncode == 2
    assert "was not filled to its end: run the same `gbike move` again" in refused.stderr


def test_a_cluster_with_other_keys_or_a_folder_of_one_process_is_refused(before: Before, cluster: Path) -> None:
    assert "choose another with --to" in move(before.folder, before.folder.path).output
    assert "has rows in" in move(before.folder, cluster).output
    key = cluster / "keys" / "account" / "signing" / "seal.key"
    kept = key.read_bytes()
    key.write_bytes(os.urandom(32))
    try:
        refused = move(before.folder, cluster)
    finally:
        key.write_bytes(kept)
    assert refused.exit_code == 2
    assert "is another key than" in refused.output


def test_a_secure_folder_without_its_keys_is_refused(before: Before, tmp_path: Path) -> None:
    folder = DataFolder(shutil.copytree(before.folder.path, tmp_path / "data"))
    (folder.path / "keys" / "seal.key").unlink()

    refused = move(folder, tmp_path / "new")

    assert refused.exit_code == 2
    assert "seal.key is missing: name the folder of keys with GBIKE_ACCOUNT_KEYS" in refused.output
    assert not (tmp_path / "new").exists()


def test_the_secrets_of_kubernetes_take_the_keys_of_the_folder(before: Before, tmp_path: Path) -> None:
    made, keys = tmp_path / "made", before.folder.path / "keys"
    kubectl = tmp_path / "kubectl"
    made.mkdir()
    kubectl.write_text(  # there is no secret yet; what is made is kept
        f'#!/bin/sh\n[ "$3" = create ] && cp -r "${{7#--from-file=}}" "{made}/$6"\n'
    )
    kubectl.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    subprocess.run([SECRETS, "gbike", str(keys)], env=env, check=True, capture_output=True)

    for name in ("current.pem", "seal.key"):
        assert (made / "account-keys" / name).read_bytes() == (keys / name).read_bytes()
    assert (made / "rent-keys" / "service.pem").exists()
