"""A share of the strangers in `fuzz`, the same at every run."""

from pathlib import Path

import pytest

from tests.collector.fuzz.run import OPTIONS, fuzz


@pytest.mark.parametrize("options", OPTIONS)
def test_random_strangers_cost_little_break_nothing_and_keep_nobody_out(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = fuzz(tmp_path / "data", 16, options, visits=300)
    with capsys.disabled():
        print(f"\n{watched}")
    assert watched.wrong == []
    assert watched.visits == 300
    assert watched.batches > 0
