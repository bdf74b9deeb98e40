"""Makes one docker-archive of several, with each layer once: merge_archives.py OUT.tar IN.tar…"""

import io
import json
import sys
import tarfile


def main(out: str, *archives: str) -> None:
    """Merge them."""
    images, seen = [], set()
    with tarfile.open(out, "w") as merged:
        for path in archives:
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.name == "manifest.json":
                        images += json.load(archive.extractfile(member) or io.BytesIO(b"[]"))
                    elif member.name not in seen and member.name != "repositories":
                        seen.add(member.name)
                        merged.addfile(member, archive.extractfile(member) if member.isfile() else None)
        manifest = json.dumps(images).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        merged.addfile(entry, io.BytesIO(manifest))


if __name__ == "__main__":
    main(*sys.argv[1:])
