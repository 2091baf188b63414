"""What a ClickHouse says, and what is said with each statement."""

import json

#: Bytes of a statement that an engine takes: a list of 100,000 people; without it the servers' bound is 256 KiB.
MAX_STATEMENT = 16 * 1024 * 1024
#: Settings of modern engines. Rows with one order are always of one month, so that months need not be merged with each
#: other; and a page's statements are all different, so that to compile them costs a fifth of it and brings nothing.
MODERN_SETTINGS = {
    "do_not_merge_across_partitions_select_final": "1",
    "compile_expressions": "0",
    "compile_aggregate_expressions": "0",
}


def table_of(reply: str) -> list[list[str]]:
    """Read JSONCompact. 64-bit numbers come as strings from some versions and as numbers from others."""
    return [[str(cell) for cell in row] for row in json.loads(reply)["data"]]
