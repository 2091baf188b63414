"""A deletion carries the proof that it is the person's own, from the home to a real receiver."""

import os
from pathlib import Path

from shipper.choices import identity
from shipper.privacy.forget import forget
from shipper.recording.folder import open_config
from shipper.wires import shipper as wire
from shipper.wires.message import Destination

TO = Destination("wunderctl", "1.0", "https://telemetry.example.com")


def test_the_request_for_a_deletion_shows_the_secret_and_an_adopted_id_has_none() -> None:
    asked = wire.encode_deletion("an-id", "5ec4e7", TO)
    assert ("Person-Secret", "5ec4e7") in asked.headers
    assert "Person-Secret" not in dict(wire.encode_deletion("an-id", "", TO).headers)


def test_forgetting_removes_the_secret_with_the_id() -> None:
    with open_config(os.environ, create=True) as config:
        made, _ = identity.make_identity(config, "wunderctl", b"\x01" * 16)
        assert made == identity.identity_of("01" * 16)
        assert identity.secret_of(config, "wunderctl", made) == "01" * 16
        forget(os.environ, "wunderctl", [], 0)
        assert identity.secret_of(config, "wunderctl", made) == ""
        assert not [path.name for path in Path(config.path).iterdir() if made in path.name]
