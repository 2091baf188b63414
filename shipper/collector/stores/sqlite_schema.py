"""The embedded store's tables. Every name is kept once and stands for a number elsewhere.

events      each event whole, by its id: what makes it counted once, for ever
daily       how often each shape (an event with its labels) occurred, by app, day, version and CI
monthly     the same by month, so that a year is read as twelve sums and not as 365
active      how many installations were seen, by app, day and version
uses        what each installation was seen doing: one row per feature, year and version, a bit per day
firsts      when each installation first ran a command, and first ended it well
arrivals    the day on which each installation was first seen
forgotten   whose events are dropped
"""

SCHEMA_VERSION = 5

# A number per month, its bit 0 for the 1st; `months` has a bit for each month that is not 0, so that a year is one look.
# A month in which nothing was seen costs one byte, so a row per year is smaller than a row per month as soon as there are
# two, and a year is one row to read.
_MONTHS = ", ".join(f"m{month} INTEGER NOT NULL DEFAULT 0" for month in range(1, 13))

ARRIVALS = (
    "CREATE TABLE IF NOT EXISTS arrivals (app INTEGER, person INTEGER, day INTEGER NOT NULL, PRIMARY KEY (app, person))"
    " WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS arrivals_by_day ON arrivals (app, day)",
)
SCHEMA = f"""
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE people (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);
CREATE TABLE shapes (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (name, labels));
CREATE TABLE features (
    id INTEGER PRIMARY KEY, app INTEGER NOT NULL, event TEXT NOT NULL, field TEXT NOT NULL, label TEXT NOT NULL,
    UNIQUE (app, event, field, label)
);
CREATE TABLE events (
    id BLOB PRIMARY KEY, time INTEGER NOT NULL, received INTEGER NOT NULL, app INTEGER NOT NULL,
    version INTEGER NOT NULL, name INTEGER NOT NULL, person INTEGER, session TEXT NOT NULL, ci INTEGER NOT NULL,
    os INTEGER NOT NULL, arch INTEGER NOT NULL, cpus INTEGER NOT NULL, runtime INTEGER NOT NULL, fields TEXT NOT NULL,
    agent INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_of_person ON events (person) WHERE person IS NOT NULL;
CREATE TABLE daily (
    app INTEGER, day INTEGER, version INTEGER, ci INTEGER, shape INTEGER, total INTEGER NOT NULL,
    PRIMARY KEY (app, day, version, ci, shape)
) WITHOUT ROWID;
CREATE TABLE monthly (
    app INTEGER, month INTEGER, version INTEGER, ci INTEGER, shape INTEGER, total INTEGER NOT NULL,
    PRIMARY KEY (app, month, version, ci, shape)
) WITHOUT ROWID;
CREATE TABLE active (
    app INTEGER, day INTEGER, version INTEGER, total INTEGER NOT NULL, PRIMARY KEY (app, day, version)
) WITHOUT ROWID;
CREATE TABLE uses (
    feature INTEGER, person INTEGER, year INTEGER, version INTEGER, months INTEGER NOT NULL, {_MONTHS},
    PRIMARY KEY (feature, person, year, version)
) WITHOUT ROWID;
CREATE TABLE firsts (
    feature INTEGER, person INTEGER, begun INTEGER NOT NULL, done INTEGER, done_version TEXT,
    PRIMARY KEY (feature, person)
) WITHOUT ROWID;
{";".join(ARRIVALS)};
CREATE TABLE forgotten (person BLOB PRIMARY KEY) WITHOUT ROWID;
"""
