"""All questions about an app, in the order in which a team reads them.

A store answers a few things (`store.View`), one query per dialect each; a question makes rows of them by one code for
every store. So stores that agree on those agree on every answer. Nothing is asked that the app does not declare.
"""

from collections.abc import Container
from dataclasses import replace

from shipper.collector.answers import about_telemetry, census, commands, installations
from shipper.collector.answers.declared import Declared
from shipper.collector.answers.declared_questions import LEAST, event_questions, pair_questions, users_question
from shipper.collector.answers.question import IDS, NONE, Question, without_installations

Feature = tuple[str, str, str]
"""What `Who still uses it?` is asked of: (event, field, label)."""


def questions_of(
    declared: Declared, feature: Feature | None = None, levels: Container[str] = (IDS,)
) -> tuple[Question, ...]:
    """The questions about an app whose events came under some levels; with `feature` also who still uses that."""
    found = _all_questions(declared, feature)
    if NONE not in levels:
        return tuple(found)
    if IDS in levels:
        return (*found, *census.QUESTIONS)
    # Nothing has an id: the census stands in the place of what needs one.
    first, *others = census.QUESTIONS
    found = [without_installations(question) for question in found if question.level != IDS]
    return (replace(first, group=""), *found, *others)  # in the place of the first card, beneath no heading


def _all_questions(declared: Declared, feature: Feature | None) -> list[Question]:
    found: list[Question] = [installations.ACTIVE]
    has_commands = declared.has("command", "command")
    found += [commands.GREW] if has_commands else []
    found += [users_question(*feature)] if feature else []
    found += [commands.COMMANDS, commands.BY_VERSION] if has_commands else []
    if declared.has("command", "duration_ms"):
        found.append(commands.SPREAD)
    if declared.has("command", "error"):
        found.append(commands.ERRORS)
    found += pair_questions(declared) if has_commands else []
    found += event_questions(declared)
    found += [LEAST] if declared.events else []
    found += [installations.RETURNING, installations.RETENTION, installations.UPTAKE, installations.VERSIONS]
    found += [installations.RUNTIMES, installations.PLATFORMS]
    found += [about_telemetry.ORIGINS, about_telemetry.LATENESSES, about_telemetry.LOST, about_telemetry.EVERYTHING]
    return found
