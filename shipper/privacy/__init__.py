"""What a person can look at and erase: the page of what is collected, the findings of `doctor`, forgetting.

The notice is in `shipper.choices`, the debug output in `shipper.recording`.
"""
