"""What keeps failures of ours out of the host."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def quietly(work: "Callable[..., Any]", *given: "Any") -> "Any":
    """Call work and return what it returns, or None where it fails: a host never fails because we do.

    Under SHIPPER_STRICT=1, in the app's tests, what is wrong with a declaration or a value is raised all the same.
    """
    try:
        return work(*given)
    except Exception as error:
        from shipper.errors import BadValue, DeclarationError

        if isinstance(error, (BadValue, DeclarationError)):
            raise
        return None
