"""The names of the commands of a tree: a command goes by the one under which it is registered."""

from typing import TYPE_CHECKING, Any

from shipper.integrations.failures import quietly
from shipper.recording.names import NAME_SEPARATOR, valid_name

if TYPE_CHECKING:
    from shipper import App
    from shipper.integrations.program import Program

#: Groups within groups that are looked into: a tree that holds itself has an end.
DEEPEST = 8


def name_of(group: Any, context: Any, typed: str, found: Any) -> str:
    """Name a command that a group found for a word. An alias is no name, and a word that nobody registered is none.

    Only where a group keeps no register of the command is its listing asked: such a group makes its commands itself.
    """
    registered = getattr(group, "commands", {})
    if registered.get(typed) is found:
        return typed
    for name, command in registered.items():
        if command is found:
            return str(name)
    if typed == found.name or not found.name:
        return found.name or typed
    listed = quietly(group.list_commands, context) or ()
    return typed if typed in listed and found.name not in listed else str(found.name)


def names_below(command: Any, whole: bool = False, above: tuple[str, ...] = ()) -> list[str]:
    """Name every command below one, in the order of their declaration.

    Read is what the groups keep at hand. With `whole` each group is asked, as its help asks it: what it makes when it is
    asked for is made.
    """
    children = dict(getattr(command, "commands", {}))
    if whole and hasattr(command, "list_commands"):
        context = command.context_class(command)
        for name in command.list_commands(context):
            children.setdefault(name, command.get_command(context, name))
    names = []
    for name, child in children.items():
        if child is not None:
            names.append(NAME_SEPARATOR.join((*above, name)))
            if len(above) < DEEPEST:
                names += names_below(child, whole, (*above, name))
    return names


def names_of_parser(parser: Any, above: tuple[str, ...] = ()) -> list[str]:
    """Name every subparser below a parser of argparse, in the order of their declaration."""
    from shipper.integrations.argparse_tree import children, subparsers

    names = []
    for action in subparsers(parser):
        for name, child in children(action):
            names += [NAME_SEPARATOR.join((*above, name)), *names_of_parser(child, (*above, name))]
    return names


def names_of(program: "Program", whole: bool = False) -> list[str]:
    """Name the commands of one program, as names_below() does; a main function has none."""
    if program.root is None:
        return []
    root = program.root()
    return names_of_parser(root.parser) if program.framework == "argparse" else names_below(root, whole)


def fill_names(app: "App", whole: bool = False) -> list[str]:
    """Let the fields made by command_names() have the names of an app's instrumented programs; return those that are new.

    A program without a command of its own goes by the app's name. With `whole` nothing is taken: returned is what loading
    all of the tree would add.
    """
    declared = app.events.get("command")
    asking = [value_type for value_type in declared.fields.values() if value_type.from_tree] if declared else []
    found = [name for program in app.programs if asking for name in quietly(names_of, program, whole) or ()]
    known = dict.fromkeys(name for name in [*found, app.name] if valid_name(name))
    new: dict[str, None] = {}
    for value_type in asking:
        added = [name for name in known if name not in value_type.detail]
        new.update(dict.fromkeys(added))
        if not whole:
            value_type.detail = (*value_type.detail, *added)
    return list(new)
