"""Where an app's events go, and the secret that may be needed there."""

from collections.abc import Mapping
from contextlib import suppress

from shipper.recording.consent import variable
from shipper.recording.folder import open_config
from shipper.spool.manifest import Manifest
from shipper.wires.message import Destination

#: Bytes of a token file: one line.
TOKEN_BYTES = 4096


def destination(environ: Mapping[str, str], manifest: Manifest) -> Destination:
    """Read where a manifest's events go, in whose name."""
    return Destination(
        manifest.app, manifest.version, manifest.endpoint, manifest.write_key, token(environ, manifest.app)
    )


def token(environ: Mapping[str, str], app: str) -> str:
    """The secret token from `<APP>_TELEMETRY_TOKEN`, else from the file `<config>/shipper/<app>.token`, else nothing.

    A file that others may read is no secret: it counts as none, and `shipper doctor` says so. It is shown, stored and
    logged nowhere; the transport sends it to the declared endpoint alone.
    """
    found = environ.get(variable(app) + "_TOKEN", "")
    if not found:
        with suppress(OSError), open_config(environ) as config:
            if not config.stat(app + ".token").st_mode & 0o077:
                found = config.read(app + ".token", TOKEN_BYTES).decode("ascii", "replace")
    return found.strip()
