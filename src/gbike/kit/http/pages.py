"""Pages for people who read an API: plain HTML, from the wheel, with nothing from another host."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from gbike.kit.http.problems import EVERYWHERE, ProblemType
from gbike.kit.http.protection import STYLE

if TYPE_CHECKING:
    from gbike.kit.http.app import Operation


def docs_page(document: dict[str, Any]) -> bytes:
    """The operations of an OpenAPI document as a table."""
    rows = "".join(
        f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{escape(operation['summary'])}</td>"
        f"<td>{' '.join(escape(status) for status in sorted(operation['responses']))}</td></tr>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    about = (
        '<p><a href="/openapi.json">OpenAPI 3.1</a> · <a href="/docs/status-codes">every refusal · 오류 안내</a></p>'
    )
    return _page(
        document["info"]["title"], f"{about}<table><tr><th>Operation<th>What it does<th>Answers</tr>{rows}</table>"
    )


def status_codes_page(operations: Sequence["Operation"], also: Sequence[ProblemType] = ()) -> bytes:
    """Every problem type that these operations may answer, and some more, in both languages."""
    rows = "".join(
        f'<tr id="{p.slug}"><td>{p.status}</td><td><code>{p.slug}</code></td>'
        f'<td>{escape(p.title_en)}<br><span lang="ko">{escape(p.title_ko)}</span></td></tr>'
        for p in [*problem_types(operations), *also]
    )
    return _page("Refusals · 오류 안내", f"<table><tr><th>Status<th>Type<th>Meaning · 뜻</tr>{rows}</table>")


def problem_types(operations: Sequence["Operation"]) -> list[ProblemType]:
    """The problem types of these operations and those that may come anywhere, by status."""
    known = {p.slug: p for p in EVERYWHERE}
    for operation in operations:
        known.update({p.slug: p for p in operation.refusals})
    return sorted(known.values(), key=lambda p: (p.status, p.slug))


def _page(title: str, body: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    ).encode()
