"""python -m shipper.collector.stores.clickhouse.rebuild ADDRESS MONTH: work out the sums of a month from its events again.

MONTH is like 2026-11, or 1970-01 for events of broken clocks. It may be interrupted and run again, beside receivers.
"""

import re
import sys
from collections.abc import Sequence
from contextlib import closing

from shipper.collector.stores.addresses import read_store
from shipper.collector.stores.clickhouse.store import ClickHouseStore
from shipper.errors import BadCall, ShipperError


def main(arguments: Sequence[str]) -> int:
    """Rebuild; returns the exit code, and says on stderr why it could not."""
    try:
        if len(arguments) != 2 or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", arguments[1]):
            raise BadCall("an address and a month are needed", "For example clickhouse://db1:8123/telemetry 2026-11")
        with closing(read_store(arguments[0])) as store:
            if not isinstance(store, ClickHouseStore):
                raise BadCall("only a ClickHouse has sums to work out again", "SQLite writes them with the events.")
            store.rebuild(int(arguments[1].replace("-", "")))
    except ShipperError as error:
        sys.stderr.write(f"rebuild: {error}. {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
