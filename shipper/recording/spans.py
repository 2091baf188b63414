"""What a measured field can say: steps of a duration, and yes or no. Loaded once there is one to be said."""

#: The steps of a duration: what each is called, and the minutes below which it lies. The last has no end.
STEPS = (
    ("under-1-minute", 1), ("1-to-5-minutes", 5), ("5-to-15-minutes", 15), ("15-to-60-minutes", 60),
    ("1-to-4-hours", 240), ("4-to-24-hours", 1440), ("1-to-7-days", 10080), ("7-to-28-days", 40320),
)  # fmt: skip
LONGEST = "over-28-days"
#: The words that since_first() can say, in their order.
SPANS = (*(name for name, _ in STEPS), LONGEST)


def encode_measured(kind: "str", value: "object") -> "str | None":
    """Say a measured value as JSON, or None when it is outside its type."""
    if kind == "first_use":
        return "true" if value is True else "false" if value is False else None
    return f'"{value}"' if value in SPANS else None


def span_of(minutes: "int") -> "str":
    """Name the step on which a number of minutes lies; a clock that went back makes it the shortest."""
    return next((name for name, end in STEPS if minutes < end), LONGEST)
