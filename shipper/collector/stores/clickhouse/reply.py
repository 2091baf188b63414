"""What a ClickHouse says, and the bound on what it is asked."""

import json

#: Bytes of a statement that an engine takes: a list of 100,000 people; without it the servers' bound is 256 KiB.
MAX_STATEMENT = 16 * 1024 * 1024


def table_of(reply: str) -> list[list[str]]:
    """Read JSONCompact. 64-bit numbers come as strings from some versions and as numbers from others."""
    return [[str(cell) for cell in row] for row in json.loads(reply)["data"]]
