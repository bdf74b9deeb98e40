"""What can be asked about imports of whoever has bike's store open."""

from pathlib import Path
from stat import S_ISREG

import msgspec

from gbike.kit.away import one_at_a_time
from gbike.kit.http.problems import Problem
from gbike.run import CannotDo
from gbike.run.control import Verb
from gbike.run.orders import OpenServices
from gbike.services.bike.domain import TooManyImports
from gbike.services.bike.domain.imports import Import
from gbike.services.bike.http.imports import MOST_BYTES, TEXTS, unreadable
from gbike.services.bike.importing import Unreadable
from gbike.services.bike.saga import Imports, SentFile


def import_verbs(services: OpenServices) -> dict[str, Verb]:
    """What can be asked of whoever has the stores open; each answers the number of the import."""

    async def begin(told: str) -> str:
        return str((await _begin(_imports(services), told)).importid)

    async def alone(told: str) -> str:
        imports = _imports(services)
        begun = await _begin(imports, told)
        while await imports.step():
            pass
        return str(begun.importid)

    return {"import-bikes": begin, "import-bikes-alone": alone}


def _imports(services: OpenServices) -> Imports:
    return Imports(services.store("bike"), one_at_a_time("files"), lambda: None)


async def _begin(imports: Imports, told: str) -> Import:
    path, dryrun, existing, columns = msgspec.json.decode(told, type=tuple[str, bool, str, dict[str, str]])
    try:
        return await imports.begin(SentFile(*_file(Path(path)), dryrun, existing, columns))
    except Unreadable as wrong:
        raise CannotDo(_both(unreadable(wrong))) from None
    except TooManyImports as full:
        raise CannotDo(_both(Problem(TEXTS["too-many-imports"], {"most": full.most}))) from None


def _file(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and its name. Raises CannotDo, OSError."""
    if not path.is_dir() and not S_ISREG(path.stat().st_mode):  # a pipe would be waited for, by everybody
        raise CannotDo(f"{path} is no file")
    if path.stat().st_size > MOST_BYTES:
        raise CannotDo(f"{path} has more than {MOST_BYTES} bytes: send it in parts · 파일이 너무 커요. 나누어 주세요")
    return path.read_bytes(), path.name


def _both(problem: Problem) -> str:
    english, korean = problem.body("en", ""), problem.body("ko", "")
    return f"{english['detail']} · {korean['detail']}"
