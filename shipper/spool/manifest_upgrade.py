"""Which version's manifest stands in `app.json`. A writer loads this under the lock when its own differs from it."""

from shipper import files
from shipper.recording.value_names import version_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

#: Characters of a version: a name's (event.MAX_NAME).
MAX_VERSION = 64


def replace_manifest(folder: "Folder", there: "bytes", manifest: "bytes", version: "str", sync: "bool") -> bool:
    """Replace `app.json` unless a newer version of the app wrote it; an equal version replaces its like.

    So a newer version's endpoint takes the backlog with it, and an old copy of the app cannot take it back. What is not a
    manifest of ours counts as the lowest version. Returns whether the origin of the endpoint is another than before.
    """
    if version_numbers(version_in(there)) > version_numbers(version):
        return False
    with folder.folder("tmp", create=True) as tmp:
        files.replace(folder, "app.json", manifest, tmp, sync)
    from shipper.spool.moving import is_moved

    return version_in(there) != version and is_moved(_endpoint_in(there), _endpoint_in(manifest))


def _endpoint_in(manifest: "bytes") -> "str":
    rest = manifest.partition(b'"endpoint":"')[2]
    return rest.partition(b'"')[0].decode("ascii", "replace") if version_in(manifest) else ""


def version_in(manifest: "bytes") -> "str":
    """Find the app's version in a manifest; written by us, it stands in front. "" in one that was cut or overwritten."""
    head, _, rest = manifest.partition(b'"version":"')
    whole = manifest.endswith(b"]}\n") and manifest.isascii() and manifest[:-1].decode("ascii").isprintable()
    return rest[: MAX_VERSION + 1].partition(b'"')[0].decode("ascii") if head == b'{"shipper":1,' and whole else ""
