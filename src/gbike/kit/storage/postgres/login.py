"""The password of a store's login: in a file of its own, read when it is used and told to nobody."""

import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from gbike.kit.settings import BadSetting

SETTING = "GBIKE_STORE_PASSWORD_FILE"
POSTGRES = "postgresql://"


def password_in(file: str) -> str | None:
    """What the file holds, without byte order mark and line end; None: no file is named. Raises BadSetting."""
    if not file:
        return None
    try:
        return Path(file).read_text("utf-8-sig").strip()
    except (OSError, UnicodeError) as wrong:
        raise BadSetting(f"{SETTING}={file}: the password can't be read: {wrong}") from None


def with_password(url: str, file: str) -> str:
    """The URL with what the file holds, if it is PostgreSQL's with a user and no password. Raises BadSetting."""
    parts = urlsplit(url)
    if not file or not url.startswith(POSTGRES) or parts.password is not None or not parts.username:
        return url
    user, _, host = parts.netloc.partition("@")
    return parts._replace(netloc=f"{user}:{quote(password_in(file) or '', safe='')}@{host}").geturl()


def without_password(url: str) -> str:
    told = re.sub(r"//([^:@/]*):[^@/]*@", r"//\1@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1…", told)
