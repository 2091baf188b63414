"""The quick share of `make strangers`: one real CLI for each way to parse, its invocations byte for byte."""

import pytest

from tests.strangers.comparison import compare
from tests.strangers.on_click import SQLITE_UTILS
from tests.strangers.on_parsers import PYCODESTYLE, YAMLLINT
from tests.strangers.stranger import Stranger
from tests.strangers.workshop import Workshop

QUICK = (SQLITE_UTILS, YAMLLINT, PYCODESTYLE)
CALLS = 12
"""Command lines of each: the first ones, so that the share stays below a minute of processor time."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The strangers, installed; skipped where PyPI does not answer."""
    made = Workshop(tmp_path_factory.mktemp("strangers"), QUICK)
    why = made.build()
    if why:
        pytest.skip(why)
    return made


@pytest.mark.parametrize("stranger", QUICK, ids=lambda stranger: stranger.name)
def test_a_strangers_invocations_are_what_they_were_and_what_is_recorded_happened(
    workshop: Workshop, stranger: Stranger
) -> None:
    some = Stranger(**{**vars(stranger), "calls": stranger.calls[:CALLS]})

    assert [(call.typed, wrong) for call, wrong in compare(workshop, some) if wrong] == []
