"""What a copy of the tree with one service more does, as JSON in the last line of stdout."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import jwt

from dev.documents.kafka_rights import as_options
from gbike.cli import privacy, verify
from gbike.run.cluster.kafka_rights import logins, rights
from gbike.run.embedded import Embedded
from gbike.run.event_map import build_all
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import StoreLocation
from gbike.run.registry import usual_port
from tests.support import Client

SETTINGS = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1"}
BASKET, TOY = "Basket-zubenelgenubi", "lost_property"
WHO = {"name": "Kim", "contact": "kim@example.com", "password": "정자역 자전거 대여소"}


async def asked(folder: DataFolder) -> dict[str, Any]:
    """A rider hands in what they found, at a gbike that asks for tokens."""
    embedded = Embedded(folder, SETTINGS, secure=True)
    client = Client(embedded.app)
    await client.post("/accounts", WHO)
    token = (await client.post("/sessions", WHO)).json["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    userid, bearer = int(claims["sub"]), {"authorization": f"Bearer {token}"}
    found = {"userid": userid, "bikeid": 7, "location": BASKET}
    statuses = {
        "theirs": (await client.post("/lostProperties", found, **bearer)).status,
        "another's": (await client.post("/lostProperties", found | {"userid": userid + 1}, **bearer)).status,
        "nobody's": (await client.post("/lostProperties", found)).status,
    }
    await embedded.settle()
    await embedded.stop()
    return {"userid": userid, "audience": claims["aud"], "statuses": statuses}


def _traces(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.is_file() and BASKET.encode() in file.read_bytes())


async def _violated(folder: DataFolder) -> list[str]:
    lines: list[str] = []
    await verify.verify(folder, SETTINGS, lines.append)
    return lines


async def _miscounted(folder: DataFolder) -> None:
    embedded = Embedded(folder, SETTINGS, secure=True)
    await embedded.part(TOY).store.write(lambda tx: tx.count("found"))
    await embedded.stop()


def main() -> None:
    """Try everything, in the folder of the first argument."""
    folder = DataFolder(Path(sys.argv[1]))
    seen = asyncio.run(asked(folder))
    where, userid = StoreLocation(folder.path), seen["userid"]
    seen["held"] = privacy.export(where, userid)[TOY]["found"]
    seen["before"] = _traces(folder.path)
    seen["told"] = privacy.erase(where, userid, SETTINGS)
    seen["after"] = _traces(folder.path)
    seen["held after"] = privacy.export(where, userid)[TOY]["found"]
    seen["violations"] = asyncio.run(_violated(folder))
    asyncio.run(_miscounted(folder))
    seen["miscounted"] = asyncio.run(_violated(folder))
    built = build_all()
    seen["port"] = usual_port(TOY)
    seen["logins"] = logins(built)
    seen["rights"] = list(as_options(rights(built)))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
