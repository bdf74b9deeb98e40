"""How far a move is: a bar on a terminal, else a line for each table that is there and has rows."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Screen:
    """What an operator sees; `tell` takes a line."""

    def __init__(self, console: Console) -> None:
        self._console, self._rows = console, 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, visible=False)

    def tell(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def expect(self, rows: int) -> None:
        self._bar.update(self._task, total=rows, visible=True)

    def moved(self, table: str, more: int, whole: bool) -> None:
        self._rows += more
        self._bar.update(self._task, advance=more, description=table)
        if whole:
            if self._rows and not self._console.is_terminal:
                self.tell(f"{table}: {self._rows} rows · {self._rows}행")
            self._rows = 0

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._bar.stop()
