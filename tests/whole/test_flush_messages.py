"""What `shipper flush` says of a pass: whoever finds exit code 3 finds a reason on stderr."""

import pytest

from shipper.cli import flush
from shipper.delivery.result import PassResult


@pytest.mark.parametrize(("left", "deletions"), [(0, 0), (1, 0), (0, 1), (2, 2)])
def test_whatever_makes_the_exit_code_3_is_named(left: int, deletions: int) -> None:
    result = PassResult(left=left, why="nobody answers" if left else "", deletions=deletions)
    said = "\n".join(flush.reasons("deploy", result))
    assert (flush.exit_code([result], named=True) == flush.EXIT_LEFT) == bool(said)
    assert ("left: nobody answers" in said, "for erasure not confirmed" in said) == (left > 0, deletions > 0)
