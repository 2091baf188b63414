"""A receiver that does not know the app refuses everything: it is said, counted once, and comes back when it is mended."""

import json
from pathlib import Path
from typing import Any

from tests.fixtures.command_line import shipper
from tests.fixtures.receiver_process import running

DECLARATION = """
app = "{app}"
version = "1.2"
endpoint = "{endpoint}"

[events.step]
reason = "Which steps a deployment takes."
"""
ANOTHER = DECLARATION.format(app="another", endpoint="http://127.0.0.1:9")


def status() -> dict[str, Any]:
    return dict(json.loads(shipper("status", "deploy", "--json").stdout)[0])


def quarantined() -> int:
    return len(shipper("show", "--quarantine", "deploy").stdout.splitlines())


def figures(url: str) -> dict[str, Any]:
    return dict(json.loads(shipper("report", "deploy", "--from", url, "--json").stdout)["figures"])


def test_what_a_receiver_refuses_is_said_counted_once_and_comes_back_once_it_is_mended(tmp_path: Path) -> None:
    held, ours, data = tmp_path / "held.toml", tmp_path / "telemetry.toml", tmp_path / "data"
    held.write_text(ANOTHER)
    shipper("on", "deploy")
    with running(data, "--catalog", str(held)) as receiver:
        ours.write_text(DECLARATION.format(app="deploy", endpoint=receiver.url))
        for _ in range(5):
            assert shipper("record", "-c", str(ours), "step").returncode == 0
        refused = shipper("flush", "deploy")
        assert refused.returncode == 6
        (said,) = refused.stderr.splitlines()
        for part in ("5 events", receiver.url, "undeclared app", "shipper retry deploy"):
            assert part in said
        assert quarantined() == 5
        again = shipper("flush", "deploy")
        assert (again.returncode, quarantined(), status()["lost"]) == (0, 5, {})
        assert status()["last_success"] == 0
        assert "refused" in status()["last_error"]["line"]
        assert shipper("retry", "deploy").returncode == 0
        assert (quarantined(), status()["pending"], status()["lost"]) == (0, 5, {"recovered": 5})
        assert shipper("flush", "deploy").returncode == 6
        assert quarantined() == 5
    held.write_text(DECLARATION.format(app="deploy", endpoint="http://127.0.0.1:9"))
    with running(data, "--catalog", str(held)) as receiver:
        ours.write_text(DECLARATION.format(app="deploy", endpoint=receiver.url))
        assert shipper("record", "-c", str(ours), "step").returncode == 0
        assert shipper("retry").returncode == 0
        moved = shipper("flush", "deploy")
        assert moved.returncode == 0, moved
        assert (quarantined(), status()["pending"]) == (0, 0)
        assert status()["last_success"] > 0
        assert figures(receiver.url)["Events lost"] == 0
        assert figures(receiver.url)["Events"] == 6
