"""Which version's manifest stands in `app.json`. A writer loads this under the lock when its own differs from it."""

from shipper import files
from shipper.recording.value_names import version_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.folder import Folder

_NONE = b'"identity":"none"'
#: Characters of a version: a name's (event.MAX_NAME).
MAX_VERSION = 64


def replace_manifest(folder: "Folder", there: "bytes", manifest: "bytes", version: "str", sync: "bool") -> str:
    """Replace `app.json` unless a newer version of the app wrote it; an equal version replaces its like.

    So a newer version's endpoint takes the backlog with it, and an old copy of the app cannot take it back. What is not a
    manifest of ours counts as the lowest version. Returns what a new version asks for that people have not agreed to, a
    receiver of another origin or an id where there was none, or "".
    """
    if version_numbers(version_in(there)) > version_numbers(version):
        return ""
    with folder.folder("tmp", create=True) as tmp:
        files.replace(folder, "app.json", manifest, tmp, sync)
    from shipper.spool.moving import BY_LEVEL, BY_MOVE, is_moved

    if version_in(there) == version:
        return ""
    if is_moved(_endpoint_in(there), _endpoint_in(manifest)):
        return BY_MOVE
    return BY_LEVEL if _NONE in there and _NONE not in manifest else ""


def _endpoint_in(manifest: "bytes") -> "str":
    rest = manifest.partition(b'"endpoint":"')[2]
    return rest.partition(b'"')[0].decode("ascii", "replace") if version_in(manifest) else ""


def version_in(manifest: "bytes") -> "str":
    """Find the app's version in a manifest; written by us, it stands in front. "" in one that was cut or overwritten."""
    head, _, rest = manifest.partition(b'"version":"')
    whole = manifest.endswith(b"]}\n") and manifest.isascii() and manifest[:-1].decode("ascii").isprintable()
    return rest[: MAX_VERSION + 1].partition(b'"')[0].decode("ascii") if head == b'{"shipper":1,' and whole else ""
