"""How many installations show each of some features: in one walk, as bits of numbers, or one by one where they are many."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from shipper.collector.stores.clickhouse.dialect import transform
from shipper.collector.stores.dimensions import Feature

#: Features that are counted as bits of numbers, 64 in each. More of them are counted one by one, which takes longer for
#: few features and less for many.
BITS, MAX_BITS = 64, 512


class Asks(Protocol):
    """Runs one statement on every shard and returns the rows of all."""

    def __call__(self, statement: str) -> list[list[str]]:
        """See Shard.query."""


class Shown(NamedTuple):
    """What the rows of a table, `where` they are of the window, show of their installations."""

    table: str
    where: str
    words: Mapping[str, Mapping[str, Sequence[Feature]]]
    """By column: the words that can stand there, and the features that each of them shows."""
    whole: Feature | None
    """What every row shows; None where it is not asked for."""

    def features(self) -> list[Feature]:
        """Every feature once, `whole` first."""
        shown = (each for words in self.words.values() for some in words.values() for each in some)
        return list(dict.fromkeys([self.whole, *shown] if self.whole else shown))


def count_installations(ask: Asks, shown: Shown) -> dict[Feature, int]:
    """Count the installations of each feature that any has."""
    features = len(shown.features())
    if not features or not any(shown.words.values()):
        return {}
    counted = count_singly(ask, shown) if features > MAX_BITS else count_bits(ask, shown)
    return {feature: people for feature, people in counted.items() if people}


def count_bits(ask: Asks, shown: Shown) -> Counter[Feature]:
    """OR the bits of each installation's rows, then add the bits up: several times as fast as sets of people."""
    features = shown.features()
    masks = [_mask(shown, features[start : start + BITS]) for start in range(0, len(features), BITS)]
    named = ", ".join(f"groupBitOr({mask}) AS mask{number}" for number, mask in enumerate(masks))
    each = ", ".join(f"arrayMap(i -> toUInt64(bitTest(mask{n}, i)), range({BITS}))" for n in range(len(masks)))
    sums = (
        f"SELECT sumForEach(arrayConcat({each}, emptyArrayUInt64())) AS sums"
        f" FROM (SELECT who, {named} FROM {shown.table} WHERE {shown.where} GROUP BY who)"
    )
    counted: Counter[Feature] = Counter()
    for (joined,) in ask(f"SELECT arrayStringConcat(arrayMap(n -> toString(n), sums), ',') FROM ({sums})"):
        people = map(int, joined.split(",")) if joined else ()
        counted.update(dict(zip(features, people, strict=False)))
    return counted


def _mask(shown: Shown, features: Sequence[Feature]) -> str:
    """The expression for a row's bits, one for each of at most BITS features."""
    bits = {feature: 1 << number for number, feature in enumerate(features)}
    mask = f"toUInt64({bits.get(shown.whole, 0) if shown.whole else 0})"
    for column, words in shown.words.items():
        numbers = [(word, sum(bits.get(each, 0) for each in some)) for word, some in words.items()]
        mask = f"bitOr({mask}, {transform(column, [(word, number) for word, number in numbers if number])})"
    return mask


def count_singly(ask: Asks, shown: Shown) -> Counter[Feature]:
    """Count the people of each word, or of each label in a word, one by one."""
    counted: Counter[Feature] = Counter()
    where, wanted = shown.where, set(shown.features())
    for column, words in shown.words.items():
        named = {f"{key}={label}": (event, key, label) for some in words.values() for event, key, label in some}
        statement = (
            f"SELECT label, uniqExact(who) FROM {shown.table} ARRAY JOIN splitByChar(',', toString({column})) AS label"
            f" WHERE {where} GROUP BY label"
        )
        field = next(iter(words.values()))[0][1] if column != "used" else ""
        for label, people in ask(statement):
            feature = named.get(f"{field}={label}" if field else label)
            if feature in wanted:
                counted[feature] += int(people)
    if shown.whole:
        counted[shown.whole] = sum(int(n) for (n,) in ask(f"SELECT uniqExact(who) FROM {shown.table} WHERE {where}"))
    return counted
