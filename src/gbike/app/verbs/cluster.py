"""`gbike cluster up|down|status`."""

from pathlib import Path
from typing import Annotated

import typer

from gbike.app.cli import Data, named_errors

app = typer.Typer(help="The distributed form on this machine, for real.", no_args_is_help=True, add_completion=False)
CLUSTER_DATA = Path("data-cluster")


@app.command("up")
def cluster_up(
    *,
    data: Data = CLUSTER_DATA,
    demo: Annotated[bool, typer.Option("--demo", help="open to whoever is on this machine")] = False,
    replicas: Annotated[int, typer.Option(help="processes of each service")] = 1,
    port: Annotated[int, typer.Option(help="the gateway's; services are on those before it; 0: free ones")] = 8088,
    store: Annotated[list[str] | None, typer.Option(help="rent=sqlite: this service's store is another engine")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="start with nothing")] = False,
    admin_file: Annotated[
        Path | None, typer.Option(envvar="GBIKE_ADMIN_FILE", help="the first admin: name and password, a line each")
    ] = None,
) -> None:
    """PostgreSQL, Kafka, Envoy and every service, each its own process, until Ctrl-C."""
    from gbike.app.admins import NotDone
    from gbike.app.cluster.plan import BadCluster, Options
    from gbike.app.cluster.ports import PortTaken
    from gbike.app.cluster.run import run_cluster
    from gbike.app.cluster.supervisor import NotReady
    from gbike.app.engines import CannotRun

    with named_errors():
        try:
            run_cluster(Options(data, port, replicas, store or [], demo, empty, admin_file))
        except (BadCluster, CannotRun, NotDone, NotReady, PortTaken) as wrong:
            typer.echo(f"gbike: {wrong}", err=True)
            raise typer.Exit(1 if isinstance(wrong, NotReady) else 2) from None


@app.command("down")
def cluster_down(data: Data = CLUSTER_DATA) -> None:
    """Stop the cluster that runs on the folder; everything is kept."""
    from gbike.app.cluster import orders

    with named_errors():
        orders.down(data, typer.echo)


@app.command("status")
def cluster_status(
    data: Data = CLUSTER_DATA, as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False
) -> None:
    """Every program: its process, health, backlog, memory and how often it was started again."""
    from gbike.app.cluster import orders

    with named_errors():
        orders.status(data, as_json)
