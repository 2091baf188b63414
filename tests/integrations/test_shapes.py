"""The shapes of strangers' programs in which we were wrong once, each a program of a few lines, run as a real process.

The first word of each id is the finding's. Every line is run with shipper and without: stdout, stderr and exit status are
the same but for words of ours, and what is recorded is what happened.
"""

import pytest

from tests.fixtures.recorded import recorded
from tests.integrations import shapes_argparse, shapes_click, shapes_function
from tests.integrations.shape import Run, Shape, run, without_our_section
from tests.integrations.test_same_with_and_without import on

__all__ = ["on", "run"]

SHAPES = [*shapes_argparse.SHAPES, *shapes_click.SHAPES, *shapes_function.SHAPES]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.name}: {shape.typed}"[:60])
def test_what_is_recorded_is_what_happened(run: Run, shape: Shape) -> None:
    bare = run(shape.program, shape.typed if shape.bare is None else shape.bare, SAMPLE_BARE="1")

    stdout, stderr, status = run(shape.program, shape.typed)
    assert (without_our_section(stdout), without_our_section(stderr), status) == bare
    assert recorded() == shape.expected
