"""What may stand in a line and in a file's name unescaped: names, ids and days, checked when they are declared."""

#: Characters of a name, version, member or class.
MAX_NAME = 64
#: What stands between the names of a command's groups and its own: `db.migrate`.
NAME_SEPARATOR = "."
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+/<>-")


def valid_name(text: "object") -> "bool":
    """Say whether text matches `[A-Za-z0-9_.:+/<>-]{1,64}`: what may stand in a line unescaped."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and _NAME_CHARACTERS.issuperset(text)


def valid_id(text: "object") -> "bool":
    """Say whether text can be a person's id: a name without the signs that mean something in a path or an address."""
    return valid_name(text) and str(text).replace("-", "").replace("_", "").isalnum()


def valid_date(text: "object") -> "bool":
    """Say whether text is a day, "YYYY-MM-DD"."""
    if not isinstance(text, str) or len(text) != 10 or not text.isascii() or text[4] + text[7] != "--":
        return False
    year, month, day = text[:4], text[5:7], text[8:]
    return (year + month + day).isdigit() and "01" <= month <= "12" and "01" <= day <= "31"
