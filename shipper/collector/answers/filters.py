"""From the filters in an address to the window that they mean. Pure; what somebody typed into an address is hostile."""

from collections.abc import Mapping, Sequence
from datetime import date

from shipper.collector.stores.dimensions import FIRST_DAY, LAST_DAY
from shipper.collector.stores.store import Window
from shipper.recording.names import valid_name

#: Periods that the page offers, in days, the usual one first among equals: 30.
PERIODS = (7, 30, 90, 365)
USUAL = 30
CI = ("all", "without", "only")
#: Versions that one window can name.
MAX_VERSIONS = 20

Given = Mapping[str, Sequence[str]]


class BadFilter(ValueError):
    """A filter says something that it cannot mean, in a sentence for whoever typed it."""


def feature_of(given: Given) -> tuple[str, str, str] | None:
    """Read the filter `uses`, EVENT, EVENT.FIELD=LABEL: whom "who still uses it?" is about."""
    said = _one(given, "uses")
    if not said:
        return None
    where, _, label = said.partition("=")
    event, _, field = where.rpartition(".") if label else (where, "", "")
    if not all(map(valid_name, filter(None, (event, field, label)))) or not event or (label and not field):
        raise BadFilter("uses is EVENT or EVENT.FIELD=VALUE, as in command.command=build")
    return event, field, label


def window_of(given: Given, apps: Sequence[str], today: int) -> Window:
    """Read the filters app, days or since and until, version (any number) and ci.

    Without `app` it is the first of `apps`; without a period the last 30 days; `today` in days since 1970.
    """
    app = _one(given, "app") or (apps[0] if apps else "")
    since, until = _period(given, today)
    versions = tuple(dict.fromkeys(version for version in given.get("version", ()) if version))
    ci = _one(given, "ci") or CI[0]
    if len(versions) > MAX_VERSIONS:
        raise BadFilter(f"at most {MAX_VERSIONS} versions can be chosen")
    if not all(map(valid_name, versions)) or (app and not valid_name(app)):
        raise BadFilter("app and version are names: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -")
    if ci not in CI:
        raise BadFilter(f"ci is one of {', '.join(CI)}")
    return Window(app, since, until, versions, ci)


def _period(given: Given, today: int) -> tuple[int, int]:
    until = _day(given, "until")
    since = _day(given, "since")
    days = _one(given, "days")
    if days and not (days.isascii() and days.isdigit() and 0 < int(days[:6]) <= LAST_DAY - FIRST_DAY):
        raise BadFilter("days is a number of days, at least 1")
    end = today if until is None else until
    start = since if since is not None else end - (int(days[:6]) if days else USUAL) + 1
    if start > end:
        raise BadFilter("since lies after until")
    return max(FIRST_DAY, start), min(LAST_DAY, end)


def _day(given: Given, name: str) -> int | None:
    said = _one(given, name)
    if not said:
        return None
    try:
        return (date.fromisoformat(said) - date(1970, 1, 1)).days
    except ValueError:
        raise BadFilter(f"{name} is a day like 2026-11-23") from None


def _one(given: Given, name: str) -> str:
    values = given.get(name, ())
    return values[-1].strip() if values else ""
