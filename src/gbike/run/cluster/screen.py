"""What an operator sees of a cluster: how the start goes, what to try, and what happens to programs."""

from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from gbike.kit.clock import Clock
from gbike.run.cluster.plan import Options, Plan
from gbike.run.seed import to_try


class Screen:
    """The start, program by program: live on a terminal, else a line for each that is ready."""

    def __init__(self, console: Console, clock: Clock, names: Iterable[str]) -> None:
        self._console, self._clock = console, clock
        self._began = clock.monotonic_ms()
        self._state = dict.fromkeys(names, "")
        self._took = dict.fromkeys(self._state, 0.0)
        self._spinner = Spinner("dots", style="yellow")
        self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._table)

    @property
    def took_s(self) -> float:
        return (self._clock.monotonic_ms() - self._began) / 1000

    def progress(self, name: str, state: str) -> None:
        """A program is `starting` or `ready` now."""
        self._state[name], self._took[name] = state, self.took_s
        if state == "ready" and not self._console.is_terminal:
            self._console.print(f"{name} is ready after {self.took_s:.1f} s", highlight=False)

    def tell(self, line: str) -> None:
        """Something that the operator should read. Where it is written there may be no room: who tells goes on."""
        with suppress(OSError):
            self._console.print(Text(f"● {line}", "yellow"))

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def _table(self) -> Table:
        shown = Table.grid(padding=(0, 1))
        for name, state in self._state.items():
            ready = state == "ready"
            mark = Text("✓", "green") if ready else self._spinner if state else Text("·", "dim")
            words = (
                f"ready · 준비됨  {self._took[name]:.1f} s"
                if ready
                else "starting · 시작 중"
                if state
                else "waits · 대기"
            )
            shown.add_row(mark, Text(name), Text(words, "green" if ready else "dim"))
        return shown


def greeting(plan: Plan, options: Options, kafka_is: str, took_s: float, told: str = "") -> Panel:
    """What stands, and what to try. `told`: what the operator of a secure one should know of its settings."""
    text = Text()
    text.append(f"{plan.gateway}", "bold")
    text.append(f"  ready after {took_s:.1f} s · {took_s:.1f}초 만에 준비됨\n\n", "dim")
    text.append("Try · 해 보기\n")
    if not options.demo:
        return _secure(text, plan, options, told)
    text.append(to_try(plan.gateway, empty=options.empty), "cyan")
    text.append(f"  gbike cluster status --data {options.data}\n", "cyan")
    text.append(f"  gbike demo-fault stop billing --data {options.data}\n\n", "cyan")
    engines = sorted({url.partition(":")[0] for url in plan.stores.values()})
    text.append(f"Processes · 프로세스: {len(plan.replicas)} services, Envoy, PostgreSQL, Kafka\n")
    text.append(f"Stores · 저장소: {', '.join(engines)}. Broker · 브로커: {kafka_is}\n")
    text.append(f"Data and logs · 데이터와 로그: {options.data.resolve()}\n")
    text.append("No login: this is a demo, on this machine only. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("로그인 없는 데모이며 이 컴퓨터에서만 열려요. Ctrl-C로 멈춰도 데이터는 남아요.", "dim")
    return Panel(text, title="gbike cluster", border_style="green", expand=False)


def _secure(text: Text, plan: Plan, options: Options, told: str) -> Panel:
    """The same of a cluster where people sign in."""
    contact = "contact=kim@example.com password=…"
    text.append(f"  http POST {plan.gateway}/accounts name=Kim {contact}\n", "cyan")
    text.append(f"  http POST {plan.gateway}/sessions {contact}\n", "cyan")
    text.append(f"  gbike cluster status --data {options.data}\n\n", "cyan")
    text.append(f"Data, keys and logs · 데이터, 키, 로그: {options.data.resolve()}\n")
    text.append(told, "yellow")
    text.append("Everybody signs in. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("로그인이 필요해요. Ctrl-C로 멈춰도 데이터는 남아요.", "dim")
    return Panel(text, title="gbike cluster", border_style="green", expand=False)
