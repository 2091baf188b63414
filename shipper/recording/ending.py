"""How work ended that an error left. Loaded only where there is one."""


def ending(error: "BaseException") -> "tuple[str, int | None]":
    """Say how work ended that error leaves, and the exit status for which it asks: None where it asks for none."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", None
    if not isinstance(error, SystemExit):
        return "error", None
    code = exit_status(error.code)
    return ("error" if code else "ok"), code


def exit_status(asked: "object") -> "int":
    """Return the status with which a process ends after sys.exit(asked): any object but None and an int is printed."""
    if asked is None:
        return 0
    if not isinstance(asked, int):
        return 1
    return asked & 0xFF if -(1 << 63) <= asked < 1 << 63 else 255
