"""The receiver of the public test kit, under the names that these tests use."""

from shipper.testing.faults import FAULTS, Fault, Received, acknowledge, answer
from shipper.testing.receiver import Receiver as Faults

__all__ = ["FAULTS", "Fault", "Faults", "Received", "acknowledge", "answer"]
