"""Where an app's events go, and the secret that may be needed there."""

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from shipper.recording.consent import variable
from shipper.recording.folder import open_config
from shipper.spool.manifest import Manifest
from shipper.wires.message import Destination

#: Bytes of a token file: one line.
TOKEN_BYTES = 4096


def destination(environ: Mapping[str, str], manifest: Manifest, spool: str) -> Destination:
    """Read where the events of a manifest go, in whose name. spool is the name of the spool that it stands in."""
    secret = token(environ, manifest.app, manifest.endpoint, declared="@" not in spool)
    return Destination(manifest.app, manifest.version, manifest.endpoint, manifest.write_key, secret)


def token(environ: Mapping[str, str], app: str, endpoint: str, declared: bool) -> str:
    """The secret token for an endpoint: from `<APP>_TELEMETRY_TOKEN`, else from `<config>/shipper/<app>.token`, else none.

    A token belongs to an origin: both hold `https://telemetry.example.com TOKEN`, and no other origin is sent it. The
    variable may hold a token alone, for the declared endpoint. A file that others may read is no secret: it counts as
    none, and `shipper doctor` says so. A token is shown, stored and logged nowhere.
    """
    variables = environ.get(variable(app) + "_TOKEN", "").split()
    if variables:
        if len(variables) == 1:
            return variables[0] if declared else ""
        return _secret_for(endpoint, variables)
    return _secret_for(endpoint, read_token(environ, app))


def read_token(environ: Mapping[str, str], app: str) -> list[str]:
    """The words of an app's token file: an origin and a token; none where there is no such file that only we can read."""
    with suppress(OSError), open_config(environ) as config:
        if not config.stat(app + ".token").st_mode & 0o077:
            return config.read(app + ".token", TOKEN_BYTES).decode("ascii", "replace").split()
    return []


def _secret_for(endpoint: str, words: list[str]) -> str:
    return words[1] if len(words) == 2 and origin(words[0]) == origin(endpoint) else ""


def origin(endpoint: str) -> str:
    """The scheme, host and port of an endpoint, as a browser compares them: `https://telemetry.example.com`.

    The port that a scheme has anyway is left out. "" for what is no URL.
    """
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return ""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    shown = f":{port}" if port is not None and port != usual else ""
    return f"{parts.scheme}://{parts.hostname or ''}{shown}"
