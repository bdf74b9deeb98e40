"""`gbike demo-fault slow|stop|heal`: faults for trying out, on a running demo."""

from typing import Annotated

import typer

from gbike.cli import DATA, Data, group
from gbike.run.control import ask, tell
from gbike.run.folder.data_folder import DataFolder

demo_fault_verb = group("Faults for trying out, on a running demo.")


@demo_fault_verb.command("slow")
def fault_slow(service: str, delay_ms: str, data: Data = DATA) -> None:
    """Let a service answer so many milliseconds late (2000, or 400-620)."""
    tell(ask(DataFolder(data), "slow", service, delay_ms))


@demo_fault_verb.command("stop")
def fault_stop(
    service: str,
    data: Data = DATA,
    hard: Annotated[bool, typer.Option("--hard", help="as a crash would (of a cluster's program)")] = False,
) -> None:
    """Stop a service: no answers, no workers. Of a cluster also rent-2, postgres, kafka or envoy."""
    tell(ask(DataFolder(data), "stop", service, *(["hard"] if hard else [])))


@demo_fault_verb.command("heal")
def fault_heal(service: Annotated[str | None, typer.Argument()] = None, data: Data = DATA) -> None:
    """Start a service, or every one, again and take its delay away."""
    tell(ask(DataFolder(data), "heal", *([service] if service else [])))
