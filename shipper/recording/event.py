"""An event: one declared fact, its fields, and how values are written into a line."""

from shipper.recording.names import valid_name
from shipper.recording.values import MEASURED, OTHERWISE, ValueType, check_metadata, metadata_json, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Fields of one event. With names and values of at most 64 characters every line then stays below MAX_LINE.
MAX_FIELDS = 64
#: The field that counts the values of its event that were outside their types. Every event may carry it.
OUT_OF_TYPE = "shipper.out_of_type"
#: The event by which a sender tells what it lost: a count for each reason. No app can declare one of this name.
LOSSES = "shipper.losses"
#: The event by which an installation of the level "none" says once a week that it is there. Nor can this one be declared.
CENSUS = "shipper.census"


class Event:
    """One declared fact: its name, why it is collected, and the type of each field.

    `owner` says who answers for it and `expires` ("YYYY-MM-DD") is the last day, in UTC, on which it is recorded.
    `since` is the day of the release that added it: a choice that is older does not cover it.
    `options` declares the fields whose names are no Python names: `options={"--force": flag()}` says of a command
    whether the option was given. Raises DeclarationError when the declaration is wrong.
    """

    def __init__(
        self,
        name: "str",
        reason: "str",
        /,
        *,
        owner: "str" = "",
        expires: "str" = "",
        since: "str" = "",
        options: "Mapping[str, ValueType] | None" = None,
        **fields: "ValueType",
    ) -> "None":
        for option in options or ():
            if option[:1] != "-" or not option.strip("-"):
                wrong(f"{name} declares the option {option!r}: options= takes --force and its like, a field needs none")
        fields |= options or {}
        if not valid_name(name) or name.startswith("shipper."):
            wrong(f"{name!r} cannot name an event: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -, not beginning with shipper.")
        if not reason:
            wrong(f"the event {name} says no reason: write one sentence that a stranger understands")
        if len(fields) > MAX_FIELDS:
            wrong(f"the event {name} has more than {MAX_FIELDS} fields")
        #: Whether anything of it is newer than some choices; and the fields that shipper.recording.measured fills in.
        self.dated = since != ""
        self.measured: list[str] = []
        for field, value_type in fields.items():
            if not valid_name(field) or field.startswith("shipper.") or not isinstance(value_type, ValueType):
                wrong(f"{name}.{field} is not a field: give a name and a type such as flag() or one_of()")
            if value_type.since:
                self.dated = True
            if value_type.randomised or value_type.kind in MEASURED:
                self.measured.append(field)
        self.name, self.reason, self.owner, self.expires, self.fields = name, reason, owner, expires, fields
        self.since = since
        check_metadata(self, name)

    def expired(self, today: "str") -> "bool":
        """Say whether today ("YYYY-MM-DD") lies after the event's last day."""
        return "" != self.expires < today

    def encode_fields(
        self, given: "Mapping[str, object]", strict: "bool" = False, today: "str" = "", covered: "str" = "~"
    ) -> "str":
        """Say the given values as JSON, `"command":"up","duration_ms":12`, in the order in which they are declared.

        Fields that are not given, fields past their last day, and fields that are newer than `covered`, the day up to which
        the person's choice reaches, are left out. A value outside its type, or one whose
        field was never declared, is counted in `shipper.out_of_type`; when strict it raises BadValue.
        """
        said = []
        outside: list[str] = []
        for field, value_type in self.fields.items():
            if field not in given or "" != value_type.expires < today or value_type.since > covered:
                continue
            text = value_type.encode(given[field])
            if text is None:
                outside.append(field)
                text = OTHERWISE.get(value_type.kind)
            if text is not None:
                said.append(f'"{field}":{text}')
        outside += [field for field in given if field not in self.fields]
        if outside and strict:
            from shipper.errors import bad_value

            raise bad_value(self, outside[0], given[outside[0]])
        if outside:
            said.append(f'"{OUT_OF_TYPE}":{len(outside)}')
        return ",".join(said)

    def manifest(self) -> "str":
        """Describe the event as a JSON object."""
        fields = ",".join([f'"{field}":{value_type.manifest()}' for field, value_type in self.fields.items()])
        return f'{{"name":"{self.name}"{metadata_json(self)},"fields":{{{fields}}}}}'


def by_name(events: "Iterable[Event]") -> "dict[str, Event]":
    """Make the catalog: events by name. Raises DeclarationError when a name stands twice or something is no Event."""
    catalog: dict[str, Event] = {}
    for event in events:
        if event.name in catalog:
            wrong(f"the event {event.name} is declared twice")
        catalog[event.name] = event
    return catalog
