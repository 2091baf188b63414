"""The manifest that an app leaves in its spool, read with suspicion: a pass knows the app by it alone."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shipper.errors import ShipperError
from shipper.recording import consent
from shipper.recording.folder import Folder, open_config
from shipper.recording.manifest import MANIFEST_BYTES
from shipper.recording.modes import LOCAL, MACHINE, ON
from shipper.recording.names import valid_name
from shipper.spool.limits import Limits

NAME = "app.json"
#: Seconds between two passes when the manifest does not say: the default of `App`.
FLUSH_INTERVAL = 900
#: Why nothing is sent to another receiver than the machine's: a rule of consent, like those of consent.py.
BY_MACHINE_ENDPOINT = f"the machine names another receiver, in {MACHINE}"


class DamagedManifest(ShipperError):
    """`app.json` is missing or not what an app writes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an app declared, as its newest version wrote it; the fields are those of `App`."""

    app: str
    version: str
    endpoint: str
    wire: str = "shipper"
    policy: str = "opt-in"
    policy_date: str = ""
    ci: str = "off"
    identity: str = "pseudonymous"
    about: str = ""
    notice: str = ""
    write_key: str = ""
    limits: Limits = field(default_factory=Limits)
    flush_interval: int = FLUSH_INTERVAL
    durability: str = "process"
    events: tuple[Mapping[str, Any], ...] = ()

    def decide(self, environ: Mapping[str, str]) -> tuple[str, str]:
        """Read the choice anew and decide for this app: the mode, and the rule that decided it (S6)."""
        policy, others = (self.app, self.policy, self.policy_date, self.ci), consent.read_others(self.app)
        try:
            with open_config(environ) as config:
                mode, why = consent.decide_here(None, environ, config, policy, others)
        except FileNotFoundError:
            mode, why = consent.decide_here(None, environ, None, policy, others)
        named = consent.read_machine_endpoint(self.app)
        if mode == ON and named and named != self.endpoint:
            return LOCAL, BY_MACHINE_ENDPOINT
        return mode, why


def read(folder: Folder) -> Manifest:
    """Read a spool's manifest. S6: consent is the folder's app's, so a manifest that names another is not believed.

    Raises DamagedManifest, which says what to do."""
    path = os.path.join(folder.path, NAME)
    again = "the app writes it again when it records its next event"
    try:
        found = parse(folder.read(NAME, MANIFEST_BYTES))
        if found.app != os.path.basename(folder.path).partition("@")[0]:
            raise ValueError(f"it names another app, {found.app}")
        return found
    except FileNotFoundError:
        raise DamagedManifest(f"{path} is missing", again) from None
    except OSError as error:
        raise DamagedManifest(f"{path} cannot be read: {error.strerror}", "shipper doctor says more") from None
    except ValueError as error:
        raise DamagedManifest(f"{path} is damaged: {error}", f"remove it: {again}") from None


def parse(data: bytes) -> Manifest:
    """Make a Manifest of what `app.json` holds. Raises ValueError; unknown keys are a newer version's."""
    try:
        found = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    texts = {key: _text(found, key) for key in _TEXTS if key in found}
    if not valid_name(texts.get("app")) or not valid_name(texts.get("version")) or not texts.get("endpoint"):
        raise ValueError("app, version or endpoint is missing")
    limits = found.get("limits", {})
    if not isinstance(limits, dict):
        raise ValueError("limits is no object")
    events = found.get("events", [])
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("events is no list of objects")
    return Manifest(
        **texts,
        limits=Limits(**{key: _number(limits, key) for key in Limits.__slots__ if key in limits}),
        flush_interval=_number(found, "flush_interval") if "flush_interval" in found else FLUSH_INTERVAL,
        events=tuple(events),
    )


_TEXTS = (
    "app",
    "version",
    "endpoint",
    "wire",
    "policy",
    "policy_date",
    "ci",
    "identity",
    "about",
    "notice",
    "write_key",
    "durability",
)


def _text(found: Mapping[str, Any], key: str) -> str:
    if not isinstance(found[key], str) or not found[key].isprintable():
        raise ValueError(f"{key} is no line of text")
    return str(found[key])


def _number(found: Mapping[str, Any], key: str) -> int:
    if type(found[key]) is not int or not 0 < found[key] < 1 << 53:
        raise ValueError(f"{key} is no whole number above 0")
    return int(found[key])
