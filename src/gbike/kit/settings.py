"""One typed settings object per service, read from the environment (or a folder of files), checked at the start.

A setting is a field of a msgspec Struct; its name in the environment is `GBIKE_` and the field's name in capitals.
A value that does not fit stops the start with one line that says which setting and how to mend it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

PREFIX = "GBIKE_"
S = TypeVar("S", bound=msgspec.Struct)


class BadSetting(Exception):
    """A setting has a value that does not fit; the text says which and how to mend it."""


class Setting(msgspec.Struct, frozen=True):
    """One setting as `gbike settings` shows it."""

    name: str
    value: str
    default: str
    meaning: str


def environment(env: Mapping[str, str], folder: Path | None = None) -> dict[str, str]:
    """The GBIKE_ variables of `env`, over those mounted as files in `folder` (a ConfigMap: one file per name).
    A file may begin with a byte order mark."""
    found: dict[str, str] = {}
    if folder is not None and folder.is_dir():
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name.startswith(PREFIX):
                found[file.name] = file.read_text("utf-8-sig").strip()
    found.update({name: value for name, value in env.items() if name.startswith(PREFIX)})
    return found


def surroundings(env: Mapping[str, str]) -> dict[str, str]:
    """The GBIKE_ variables of `env`, over the files in the folder that it names."""
    return environment(env, Path(env.get("GBIKE_SETTINGS_DIR", "/etc/gbike")))


def load(kind: type[S], env: Mapping[str, str]) -> S:
    """The settings of `kind` with what `env` says laid over the defaults. Raises BadSetting."""
    given = {}
    for field in msgspec.structs.fields(kind):
        name = PREFIX + field.name.upper()
        if name in env:
            given[field.name] = _value(env[name], name, field.type)
    return kind(**given)


def describe(kind: type[msgspec.Struct], env: Mapping[str, str]) -> list[Setting]:
    """Every setting of `kind`: its name, its value now, its default and what it means."""
    now = load(kind, env)
    hints = get_type_hints(kind, include_extras=True)
    return [
        Setting(
            PREFIX + field.name.upper(), str(getattr(now, field.name)), str(field.default), _meaning(hints[field.name])
        )
        for field in msgspec.structs.fields(kind)
    ]


def _value(text: str, name: str, kind: Any) -> Any:
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadSetting(f"{name}={text!r}: {wrong}; see `gbike settings`") from None


def _meaning(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, msgspec.Meta) and extra.description:
                return extra.description
    return ""
