"""`gbike doctor`: what is weak, open, old or away, each in a line that says how to mend it. It only looks."""

from collections.abc import Iterator, Mapping

from gbike.app.cluster.plan import Plan, read_plan
from gbike.app.copies import NoData
from gbike.app.data_folder import DataFolder
from gbike.app.doctor import certificates, contacts, machine, managers, payments, riders, running, secrets, stores
from gbike.app.doctor.finding import Finding
from gbike.kit.clock import Clock

LOG = "bus"
"""Its file says whose the folder is."""

__all__ = ["Finding", "examine"]


def examine(folder: DataFolder, env: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    """Everything that is wrong with the data folder, the settings and what runs on them. Raises NoData when there is
    neither a folder nor a setting that says where the data is."""
    if not folder.path.is_dir() and "GBIKE_STORE_URL" not in env:
        raise NoData(f"there is no gbike data in {folder.path}, and GBIKE_STORE_URL is not set")
    plan: Plan | None = read_plan(folder.path) if folder.path.is_dir() else None
    yield from secrets.files(folder.path, env)
    yield from secrets.weak(env)
    yield from certificates.old(folder.path, env, clock)
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
    yield from managers.strangers(urls)
    yield from contacts.same(urls)
    if LOG not in broken:
        yield from riders.touched(folder, urls, env)
        yield from payments.tested(folder, env, _takers(plan, holder.address if holder else ""))
    yield from running.kafkas_data(folder.path, clock) if plan else ()
    yield from running.engines(plan if holder else None, env)
    yield from running.clocks([holder.address, *(plan.peers().values() if plan else ())] if holder else [], env, clock)


def _takers(plan: Plan | None, address: str) -> list[str]:
    """Where the service that takes payments runs."""
    if not address:
        return []
    return [plan.peers().get("GBIKE_PEER_USER_DEPOSIT_URL", "")] if plan else [address]
