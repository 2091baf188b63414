"""Events as the embedded store keeps them, and as rows again."""

import json
from collections.abc import Sequence
from typing import Any

from shipper.collector.stores.store import Row

#: The columns of an event whose words are joined: when it was received, then those of Row.
WHOLE = """
SELECT received, e.id, time, a.word, v.word, n.word, {person}, session, ci, o.word, m.word, cpus, r.word, fields, g.word
FROM events e
JOIN words a ON a.id = app JOIN words v ON v.id = version JOIN words n ON n.id = name
JOIN words o ON o.id = os JOIN words m ON m.id = arch JOIN words r ON r.id = runtime
JOIN words g ON g.id = agent
"""
#: The events of a person; wants the hash as text, then as bytes.
OF_PERSON = WHOLE.format(person="?") + "WHERE person = (SELECT id FROM people WHERE hash = ?)"


def row_of(columns: Sequence[Any]) -> tuple[Row, int]:
    """Make a row, with the minute in which it was received, of the columns of WHOLE."""
    minute, *rest, fields, agent = columns
    row = Row._make((*rest, json.loads(fields), agent))
    return row._replace(ci=bool(row.ci)), int(minute)
