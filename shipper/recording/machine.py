"""What others than the person say, and can only lower: a machine's administrator or packager, and a repository.

The machine's folder holds `<app>.mode` or, for all apps, `_all.mode`: one word, off or local; and `<app>.endpoint`, the
address of the company's own receiver. A repository's `.shipper` holds a line for all apps, `off` or `local`, or one for
an app, `wunderctl off`. What cannot be read means off. Loaded only where one of them is there.
"""

import os
import stat

from shipper.recording.folder import FILE_FLAGS
from shipper.recording.foreign import is_foreign
from shipper.recording.modes import ALL, LOCAL, MACHINE, OFF, ON, UNREADABLE

#: Bytes of such a file: a few lines.
FILE_BYTES = 4096


def machine_mode(app: "str", folder: "str" = MACHINE) -> "str":
    """Return what the machine's folder says for an app: "", LOCAL, OFF or UNREADABLE. An app's own file goes before _all."""
    for name in (app, ALL):
        word = read_word(os.path.join(folder, name + ".mode"))
        if word is not None:
            return {ON: "", LOCAL: LOCAL, OFF: OFF}.get(word, UNREADABLE)
    return ""


def machine_endpoint(app: "str", folder: "str" = MACHINE) -> "str":
    """Return the receiver that the machine's folder names for an app, or "".

    It counts only where nobody but root (on POSIX) can have written it: it says where events go.
    """
    path = os.path.join(folder, app + ".endpoint")
    return read_word(path) or "" if written_by_root(folder) and written_by_root(path) else ""


def written_by_root(path: "str") -> "bool":
    """Say whether only root can have written a file or folder, and a file is a regular one."""
    try:
        found = os.lstat(path)
    except OSError as error:
        if is_foreign(error):
            raise
        return False
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == 0 and not found.st_mode & 0o022 and not stat.S_ISLNK(found.st_mode)


def repository_mode(app: "str", path: "str") -> "str":
    """Return what a `.shipper` says for an app: "", LOCAL, OFF or UNREADABLE. A folder of that name is somebody else's."""
    if os.path.isdir(path):
        return ""
    text = read_text(path)
    if text is None:
        return UNREADABLE
    found = ""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == [app]:
            words = words[1:]
        elif len(words) == 2:
            continue  # another app's
        if words not in ([], [ON], [LOCAL], [OFF]):
            return UNREADABLE
        if words == [OFF] or (words == [LOCAL] and found == ""):
            found = words[0]
    return found


def read_word(path: "str") -> "str | None":
    """Return the one word of a file, "" where it holds something else, None where there is no file."""
    if not os.path.lexists(path):
        return None
    text = (read_text(path) or "").strip()
    return text if text.isprintable() and " " not in text else ""


def read_text(path: "str") -> "str | None":
    """Return a small text file's content, or None where it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | FILE_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        if is_foreign(error):
            raise
        return None
    try:
        data = os.read(fd, FILE_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b"\xff"
        return data.decode("ascii") if len(data) <= FILE_BYTES else None
    except (OSError, UnicodeDecodeError) as error:
        if is_foreign(error):
            raise
        return None
    finally:
        os.close(fd)
