"""Lengths of time for people, in one form wherever they are read."""

_UNITS = (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1))


def span(seconds: float, fine: bool = False) -> str:
    """A length of time in its two largest units: `4 s`, `12 min`, `3 h 20 min`, `2 d 4 h`; `fine`: `1 min 1 s` too."""
    whole = max(0, round(seconds))
    for large, small, size, part in _UNITS:
        if whole >= size:
            rest = whole % size // part
            return (
                f"{whole // size} {large} {rest} {small}" if rest and (fine or part > 1) else f"{whole // size} {large}"
            )
    return f"{whole} s"


def wait(seconds: float) -> str:
    """A wait: `now`, `in 40 s`, `in 3 h 5 min`."""
    return f"in {span(max(seconds, 1))}" if seconds > 0 else "now"
