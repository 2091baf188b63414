"""The receiver holds senders to the catalog that the app declares: what it does not know comes back with its reason."""

import json
from pathlib import Path

from tests.fixtures.command_line import shipper
from tests.fixtures.receiver_process import running

DECLARATION = """
app = "deploy"
version = "1.2"
endpoint = "{endpoint}"

[events.step]
reason = "Which steps a deployment takes."
fields.name = {{ type = "one_of", members = [{members}] }}
"""


def quarantined() -> list[dict[str, str]]:
    return [json.loads(line) for line in shipper("show", "--quarantine", "deploy").stdout.splitlines()]


def test_an_undeclared_event_and_value_are_rejected_shown_with_the_reason_and_dropped(tmp_path: Path) -> None:
    held, ours = tmp_path / "held.toml", tmp_path / "telemetry.toml"
    held.write_text(DECLARATION.format(endpoint="http://127.0.0.1:9", members='"build", "push"'))
    shipper("on", "deploy")
    with running(tmp_path / "data", "--catalog", str(held)) as receiver:
        wider = DECLARATION.format(endpoint=receiver.url, members='"build", "push", "sign"')
        ours.write_text(wider + '\n[events.rollback]\nreason = "How often people go back."\n')
        for words in (["step", "name=build"], ["step", "name=sign"], ["rollback"], ["step", "name=push"]):
            assert shipper("record", "-c", str(ours), *words).returncode == 0
        assert shipper("flush", "deploy").returncode == 6
    found = quarantined()
    assert [each["detail"] for each in found] == ["outside its type: name", "undeclared event"]
    assert {each["reason"] for each in found} == {"rejected"}
    assert shipper("drop", found[0]["id"]).returncode == 0
    assert [each["detail"] for each in quarantined()] == ["undeclared event"]


def test_what_python_declares_is_the_catalog_that_the_receiver_takes(tmp_path: Path) -> None:
    manifest = tmp_path / "app.json"
    catalog = tmp_path / "telemetry.toml"
    catalog.write_text(DECLARATION.format(endpoint="http://127.0.0.1:9", members='"build"'))
    assert shipper("record", "-c", str(catalog), "step", "name=build").returncode == 0
    shipper("on", "deploy", "--with-held")
    (spooled,) = tmp_path.glob("shipper-home/state/shipper/apps/deploy/app.json")
    manifest.write_bytes(spooled.read_bytes())
    with running(tmp_path / "data", "--catalog", str(manifest)) as receiver:
        catalog.write_text(DECLARATION.format(endpoint=receiver.url, members='"build"'))
        assert shipper("record", "-c", str(catalog), "step", "name=build").returncode == 0
        assert shipper("flush", "deploy").returncode == 0
    assert quarantined() == []
