"""The product with its door closed, or open: `python -m dev.bench.locked MODE PORT FOLDER KEY`. KEY: PEM of a public
key whose tokens are taken, so that the driver can make them."""

import asyncio
import os
import sys
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gbike.kit.auth.tokens import PublicKey
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.settings import environment
from gbike.run.auth_mode import TokenMode
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder

ISSUER, KID = "bench", "bench"


class OneKey:
    """KeySource of the driver's key."""

    def __init__(self, file: Path) -> None:
        self._key = cast(PublicKey, load_pem_public_key(file.read_bytes()))

    async def key(self, kid: str) -> PublicKey | None:
        """See KeySource.key."""
        return self._key if kid == KID else None


async def _serve(mode: str, port: int, folder: Path, key: Path) -> None:
    embedded = Embedded(DataFolder(folder), environment(os.environ), secure=mode == "secure")
    if isinstance(embedded.auth_mode, TokenMode):
        embedded.auth_mode.trust(ISSUER, OneKey(key))
    embedded.start()
    server = HttpServer(embedded.app)
    server.heed_signals()
    try:
        await server.answer(listen("127.0.0.1", port))
    finally:
        await asyncio.shield(embedded.stop())


if __name__ == "__main__":
    run(_serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
