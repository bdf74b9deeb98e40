"""`gbike doctor` where only what one machine needs is installed."""

import subprocess
import sys
from pathlib import Path

OF_A_CLUSTER = ("aiohttp", "aiokafka", "confluent_kafka", "opentelemetry", "psycopg")


def test_it_looks_where_nothing_of_a_cluster_is_installed(tmp_path: Path) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({OF_A_CLUSTER})); from gbike.app.cli import main; main()"
    command = [sys.executable, "-c", code, "doctor", "--data", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "there is no gbike data" in done.stderr) == (2, True), done.stderr
