"""`gbike doctor`: what is weak, open, old or away, each in a line that says how to mend it. It only looks."""

import os
from collections.abc import Iterator, Mapping

import typer

from gbike.cli import DATA, Data, settings_given
from gbike.cli.doctor import machine, people, running, secrets, stores
from gbike.cli.doctor.finding import Finding
from gbike.kit.clock import Clock, SystemClock
from gbike.run.cluster.plan import Plan, read_plan
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder

LOG = "bus"
"""Its file says whose the folder is."""

__all__ = ["Finding", "examine"]


def doctor_verb(data: Data = DATA) -> None:
    """Look for weak or missing secrets, open ports, a demo in production, old schemas, wrong clocks, a full disk and
    engines that are away; each in a line that says how to mend it. Of a secure gbike also how many riders the defaults
    for deposits and open rents would refuse, which is not wrong."""
    in_a_pod = {name: os.environ[name] for name in ("KUBERNETES_SERVICE_HOST",) if name in os.environ}
    found = list(examine(DataFolder(data), {**settings_given(), **in_a_pod}, SystemClock()))
    wrong = any(finding.wrong for finding in found)
    typer.echo("\n".join([*map(str, found), *([] if wrong else ["nothing is wrong · 이상이 없어요"])]))
    raise typer.Exit(1 if wrong else 0)


def examine(folder: DataFolder, env: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    """Everything that is wrong with the data folder, the settings and what runs on them. Raises NoData when there is
    neither a folder nor a setting that says where the data is."""
    if not folder.path.is_dir() and "GBIKE_STORE_URL" not in env:
        raise NoData(f"there is no gbike data in {folder.path}, and GBIKE_STORE_URL is not set")
    plan: Plan | None = read_plan(folder.path) if folder.path.is_dir() else None
    yield from secrets.files(folder.path, env)
    yield from secrets.weak(env)
    yield from secrets.old_certificates(folder.path, env, clock)
    holder = folder.holder()
    known = stores.store_urls(folder, plan if holder else None, env)
    broken = stores.broken(folder, known)
    yield from broken.values()
    if LOG not in broken:
        yield from secrets.demo(folder, env)
    yield from machine.disk(folder.path)
    if holder is not None:
        yield from machine.binds(plan, holder.address, machine.listening())
    if plan is None:
        yield from stores.lost(folder)
    urls = {name: url for name, url in known.items() if name not in broken}
    yield from stores.stores(urls, clock)
    if holder is None and not broken:
        yield from stores.log(folder)
    yield from people.strange_managers(urls)
    yield from people.same_contacts(urls)
    if LOG not in broken:
        yield from people.refused_riders(folder, urls, env)
        yield from running.test_payments(folder, env, _takers(plan, holder.address if holder else ""))
    yield from running.kafkas_data(folder.path, clock) if plan else ()
    yield from running.engines(plan if holder else None, env)
    yield from running.clocks([holder.address, *(plan.peers().values() if plan else ())] if holder else [], env, clock)


def _takers(plan: Plan | None, address: str) -> list[str]:
    """Where the service that takes payments runs."""
    if not address:
        return []
    return [plan.peers().get("GBIKE_PEER_USER_DEPOSIT_URL", "")] if plan else [address]
