"""What is done to the files of a Folder seldom: by a pass, by a person's command, by an invocation that seals a segment.

What every event needs, opening and reading, is the Folder's own; these stand apart because each function
that a host loads costs it some microseconds. Names are single file names, never paths. What cannot be done raises OSError.
"""

import os

from shipper.recording.folder import Folder, write_all


def write(folder: Folder, name: str, data: bytes, sync: bool = False) -> None:
    """Write a file that must not be there yet, whole or not at all; with `sync` it is on the disk on return.

    Raises FileExistsError when it is there. What a full disk left half written is removed again.
    """
    fd = folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        write_all(fd, data)
        if sync:
            os.fsync(fd)
    except BaseException:
        os.close(fd)
        remove(folder, name)
        raise
    os.close(fd)


def replace(folder: Folder, name: str, data: bytes, through: Folder, sync: bool = False) -> None:
    """Put `data` in the place of file `name` by one rename of a file made in the folder `through`.

    Nobody ever sees half of it. A leftover of ours with the same temporary name cannot exist: the name is random.
    """
    temporary = name + "." + os.urandom(8).hex()
    write(through, temporary, data, sync)
    try:
        rename(through, temporary, folder, name)
    except BaseException:
        remove(through, temporary)
        raise
    if sync:
        sync_entries(folder)


def rename(folder: Folder, name: str, into: Folder, as_name: str) -> None:
    """Move a file or folder, over what is there."""
    if folder.at:
        os.rename(name, as_name, src_dir_fd=folder.fd, dst_dir_fd=into.fd)
    else:
        os.replace(folder.where(name), into.where(as_name))


def remove(folder: Folder, name: str) -> None:
    """Remove a file (a link: itself, never what it names)."""
    os.unlink(folder.where(name), **folder.at)


def remove_folder(folder: Folder, name: str) -> None:
    """Remove an empty folder."""
    os.rmdir(folder.where(name), **folder.at)


def names(folder: Folder) -> list[str]:
    """Every name in the folder, in no order."""
    return os.listdir(folder.fd if folder.at else folder.path)


def sync_entries(folder: Folder) -> None:
    """Bring the folder's own entries to the disk."""
    if folder.at:
        os.fsync(folder.fd)


def sync_chain(folder: Folder) -> None:
    """Bring every entry on the way to an app's folder to the disk (S1, durability "power-loss").

    Always the whole way, up through the folders that are ours on the same file system: who made one may have died before
    syncing it, and to sync a clean one costs next to nothing.
    """
    sync_entries(folder)
    path, device = folder.path, os.stat(folder.path).st_dev
    while (parent := os.path.dirname(path)) != path:
        path = parent
        try:
            fd = os.open(path, os.O_RDONLY)
        except PermissionError:  # then nobody of us made anything in it
            return
        try:
            found = os.fstat(fd)
            if found.st_dev != device:
                return
            os.fsync(fd)
        finally:
            os.close(fd)
        if found.st_uid != os.geteuid():
            return
