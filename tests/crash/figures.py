"""What the proofs measured, for the table that `make guarantees` prints."""

import json
import os

#: The file that collects them; nobody collects in an ordinary run.
_FILE = os.environ.get("SHIPPER_FIGURES", "")


def note(proof: str, **figures: float) -> None:
    """Note what a proof came to. A proof that found anything wrong notes nothing that counts: its test fails."""
    if _FILE:
        with open(_FILE, "a") as file:
            file.write(json.dumps({"proof": proof, **figures}) + "\n")
