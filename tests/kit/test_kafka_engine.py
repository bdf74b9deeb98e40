"""A Kafka's files are made whatever its random name is."""

from pathlib import Path

import pytest

from gbike.run.engines import kafka


@pytest.mark.parametrize("name", ["-" + "a" * 21, "_" + "b" * 21])
def test_a_cluster_may_be_called_anything(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (missing := kafka.why_not()) is not None:
        pytest.skip(missing)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: name)

    kafka.prepare(tmp_path, 9092)

    assert f"cluster.id={name}\n" in (tmp_path / "data" / "meta.properties").read_text()
