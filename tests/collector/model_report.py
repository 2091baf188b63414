"""What the answers are when the model is the store."""

from shipper.collector.answers.answer import Report, ask
from shipper.collector.answers.declared import Declared
from shipper.collector.stores.store import Row, Window
from tests.collector.model import Model
from tests.fixtures.event_world import NOW, world
from tests.fixtures.world_catalog import WORLD

TODAY = NOW // 86_400


class Holder:
    """A store that is a model, as far as `ask` needs one."""

    def __init__(self, rows: list[tuple[Row, int]]) -> None:
        self.rows = rows

    def view(self, window: Window) -> Model:
        return Model(self.rows, window)


def report_of(rows: list[tuple[Row, int]], window: Window, declared: Declared | None = WORLD) -> Report:
    """What the model says of some rows."""
    return ask(Holder(rows), window, TODAY, declared)  # type: ignore[arg-type]  # only the view is asked


ROWS = [(row, at // 60) for row, at in world(2000)]
