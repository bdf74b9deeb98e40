"""`gbike settings`: every setting, from the code."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from gbike.cli import settings_given
from gbike.kit.settings import describe
from gbike.run.defaults import DEMO_DEFAULTS, SECURE_DEFAULTS
from gbike.run.registry import spec, specs


class SettingRow(msgspec.Struct, frozen=True):
    """One setting. `value`: what the environment sets, else nothing. `demo`, `secure`: the default in each form."""

    name: str
    value: str
    demo: str
    secure: str
    meaning: str


def settings_verb(service: Annotated[str | None, typer.Argument()] = None) -> None:
    """Every setting: its name, the value that is set, its default in the demo and in the secure forms, its meaning."""
    for one in [spec(service)] if service else specs():
        typer.echo(one.name)
        for row in setting_rows(one.settings, settings_given()):
            typer.echo(f"  {row.name}={row.value}  (demo {row.demo}, secure {row.secure}) {row.meaning}")


_IN_URL = re.compile(r"(://)[^/\s]*@")
"""Who a URL is asked for by, and with which password."""


def setting_rows(kind: type[msgspec.Struct], env: Mapping[str, str]) -> Sequence[SettingRow]:
    """Every setting of `kind`: what `env` sets, its default in each form, and what it means. Raises BadSetting."""
    demo = {setting.name: setting.value for setting in describe(kind, DEMO_DEFAULTS)}
    secure = {setting.name: setting.value for setting in describe(kind, SECURE_DEFAULTS)}
    return [
        SettingRow(
            one.name,
            _IN_URL.sub(r"\1…@", one.value) if one.name in env else "",
            demo[one.name],
            secure[one.name],
            one.meaning,
        )
        for one in describe(kind, env)
    ]
