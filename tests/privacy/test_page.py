"""The public page and the schema: true by construction, harmless as markup, and checked for drift."""

import html.parser
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from shipper import App, Event, error_class, flag, integer, milliseconds, one_of, version_number
from shipper.catalog.declaration import load, load_object
from shipper.errors import DeclarationError
from shipper.privacy import page
from shipper.privacy.blocks import Block, Code, Grid, Heading, Link, Paragraph, markdown
from shipper.privacy.blocks import page as html_page
from shipper.privacy.levels import ENVELOPE, example
from shipper.privacy.line_schema import json_schema
from shipper.reader import decode
from tests.fixtures.sample_app import spool_of

DECLARATION = """
app = "deploy"
version = "1.4.0"
endpoint = "https://telemetry.example.com"
policy = "opt-out"
policy_date = "2026-11-23"
ci = "local"
about = "https://example.com/telemetry"
retention_days = 396
max_days = 30

[events.deployment]
reason = "How often people deploy, and how it ends."
owner = "platform team"
expires = "2099-12-31"
[events.deployment.fields]
target = { type = "one_of", members = ["staging", "production"], reason = "Which stage needs care.", owner = "jane" }
duration_ms = { type = "milliseconds", bounds = [100, 1000] }
attempts = { type = "integer", range = [1, 10], expires = "2099-11-23" }
clean = { type = "flag" }
tool = { type = "version_number" }
error = { type = "error_class" }
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "telemetry.toml"
    path.write_text(DECLARATION)
    return path


def declared() -> App:
    return App(
        "deploy",
        version="1.4.0",
        endpoint="https://telemetry.example.com",
        policy="opt-out",
        policy_date="2026-11-23",
        ci="local",
        about="https://example.com/telemetry",
        retention_days=396,
        max_days=30,
        events=[
            Event(
                "deployment",
                "How often people deploy, and how it ends.",
                owner="platform team",
                expires="2099-12-31",
                target=one_of("staging", "production", reason="Which stage needs care.", owner="jane"),
                duration_ms=milliseconds(100, 1000),
                attempts=integer(1, 10, expires="2099-11-23"),
                clean=flag(),
                tool=version_number(),
                error=error_class(),
            )
        ],
    )


def shipper(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "shipper", "docs", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_toml_and_python_declare_the_same_app_and_so_the_same_page(toml: Path) -> None:
    assert load(str(toml)).manifest() == declared().manifest()
    assert page.as_markdown(load(str(toml))) == page.as_markdown(declared())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('app = "deploy"', ""), "app is missing"),
        (('version = "1.4.0"', ""), "version is missing"),
        (('version = "1.4.0"', "version = 1.4"), "version is text"),
        (("max_days = 30", "max_days = true"), "max_days is a whole number"),
        (("max_days = 30", "max_days = 0"), "whole numbers above 0"),
        (("max_days = 30", "max_dais = 30"), "unknown key 'max_dais'"),
        (('app = "deploy"', 'app = "Deploy"'), "cannot name an app"),
        (('app = "deploy"', "app = 3"), "cannot name an app"),
        (('policy = "opt-out"', 'policy = "opt"'), 'policy is "opt-in"'),
        (('{ type = "flag" }', '{ type = "text" }'), "no type that we know"),
    ],
)
def test_a_wrong_declaration_names_its_file_and_its_fault(toml: Path, change: tuple[str, str], message: str) -> None:
    toml.write_text(DECLARATION.replace(*change))
    with pytest.raises(DeclarationError, match=message) as caught:
        load(str(toml))
    assert str(toml) in str(caught.value)


def test_the_page_says_everything_that_was_declared_and_how_to_say_no() -> None:
    text = page.as_markdown(declared())
    for part in (
        "# What `deploy` collects",
        "A notice is shown once",
        "In CI the mode is `local`",
        "2026-11-23",
        "shipper off deploy",
        "shipper forget deploy",
        "`DEPLOY_TELEMETRY=off` or `DO_NOT_TRACK=1`",
        "`DEPLOY_TELEMETRY_DEBUG=true`",
        "How often people deploy, and how it ends. Owner: platform team. Recorded until 2099-12-31.",
        "| `target` | `staging`, `production`, `other` | Which stage needs care. | jane |",
        "| `duration_ms` | a duration in milliseconds, only as one of 0, 100, 1000 | As above. |",
        "| `attempts` | a whole number from 1 to 10 | As above. | until 2099-11-23 |",
        "| `clean` | `true` or `false` |",
        "| `tool` | the leading numbers of a version, or `other` |",
        "| `error` | the class of an error",
        "pseudonymous",
        "never collected",
        "30 days and 32 MiB",
        "396 days",
        "<https://telemetry.example.com>, over an encrypted connection",
    ):
        assert part in text, part


def test_every_member_and_every_field_is_on_the_page_in_both_forms() -> None:
    app = load_object("tests.fixtures.sample_app:sample_app")
    for text in (page.as_markdown(app), page.as_html(app)):
        for event in app.events.values():
            assert event.name in text
            for name, kind in event.fields.items():
                assert name in text
                assert all(str(detail) in text for detail in kind.detail)


def test_the_example_line_is_a_real_one() -> None:
    app = declared()
    event = decode(example(app, app.events["deployment"], page.fields_of(app.events["deployment"])).encode())
    assert event["fields"] == {
        "target": "staging",
        "duration_ms": 1000,
        "attempts": 1,
        "clean": True,
        "tool": "1.2.3",
        "error": "ValueError",
    }
    jsonschema.validate(event, json_schema(app))


def test_the_keys_of_a_real_line_are_those_that_the_page_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUNDERCTL_TELEMETRY", "on")
    monkeypatch.setenv("GEMINI_CLI", "1")
    app = load_object("tests.fixtures.sample_app:sample_app")
    assert app.record("datasource", kind="mysql")
    with spool_of(dict(os.environ)) as spool:
        keys = list(decode(spool.read("active.ndjson", 1 << 16)))
    assert [key for key in keys if key != "fields"] == [key for key, _, _ in ENVELOPE]


def test_text_of_others_can_be_no_markup() -> None:
    nasty = '<script>alert(1)</script> | [x](javascript:y) *b* `c` "\n# d'
    blocks: list[Block] = [
        Heading(2, [nasty]),
        Paragraph([Code(nasty), Link('javascript:alert("1")'), Link("https://example.com/a?b&c")]),
        Grid(("A", "B"), [([nasty], [Code(nasty)])]),
    ]
    text = markdown(blocks)
    assert "<script" not in text.replace("\\<script", "").replace("`<script", "")
    assert "\n# d" not in text
    assert "<javascript:" not in text
    assert all(line.replace("\\|", "").count("|") == 3 for line in text.splitlines() if line.startswith("|"))

    seen: set[str] = set()
    links: list[str | None] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.add(tag)
            links.extend(value for name, value in attrs if name in ("href", "src"))

    Tags().feed(html_page(nasty, blocks))
    assert "script" not in seen
    assert links == ["https://example.com/a?b&c"]


def test_the_html_page_loads_nothing() -> None:
    text = page.as_html(declared())
    assert "src=" not in text
    assert "<link" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_schema_accepts_what_is_spooled_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TELEMETRY", "on")
    app = declared()
    schema = json_schema(app)
    jsonschema.Draft202012Validator.check_schema(schema)
    values: dict[str, object] = {
        "target": "staging",
        "duration_ms": 345,
        "attempts": 3,
        "clean": False,
        "tool": "v1.2-x",
        "error": KeyError(),
    }
    assert app.record("deployment", **values)
    assert app.record("deployment", target="home", attempts=99, undeclared=1)
    assert app.record("deployment")
    with spool_of(dict(os.environ), "deploy") as spool:
        lines = spool.read("active.ndjson", 1 << 16).splitlines()
    assert len(lines) == 3
    for line in lines:
        jsonschema.validate(json.loads(line), schema)
    for key, wrong in (
        ("target", "home"),
        ("duration_ms", 345),
        ("attempts", 99),
        ("clean", 1),
        ("tool", "1-x"),
        ("path", "x"),
    ):
        event = json.loads(lines[0])
        event["fields"][key] = wrong
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(lines[0]) | {"host": "jane-laptop"}, schema)


@pytest.mark.parametrize(
    ("name", "option"),
    [("page.md", []), ("page.html", []), ("page.txt", ["--html"]), ("schema.json", []), ("part.md", ["--events"])],
)
def test_check_fails_when_a_page_has_drifted(toml: Path, tmp_path: Path, name: str, option: list[str]) -> None:
    path = tmp_path / name
    form = option or (["--html"] if name.endswith(".html") else ["--json-schema"] if name.endswith(".json") else [])
    code, out, _ = shipper(toml, *form)
    path.write_text(out)
    assert (code, shipper(toml, *option, "--check", path)) == (0, (0, "", ""))
    toml.write_text(DECLARATION.replace('"staging", "production"', '"staging", "production", "canary"'))
    code, out, err = shipper(toml, *option, "--check", path)
    assert (code, out) == (1, "")
    assert "canary" in err
    assert "Write it again: shipper docs" in err


def test_check_compares_the_part_between_the_marks_of_a_page_of_ones_own(toml: Path, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    events = shipper(toml, "--events")[1]
    path.write_text(f"# Deploy\n\n<!-- shipper docs -->\n{events}<!-- /shipper docs -->\n\nMore.\n")
    assert shipper(toml, "--check", path)[0] == 0
    path.write_text(path.read_text().replace("`staging`, ", ""))
    assert shipper(toml, "--check", path)[0] == 1


def test_a_page_that_is_missing_has_drifted(toml: Path, tmp_path: Path) -> None:
    assert shipper(toml, "--check", tmp_path / "none.md")[0] == 1


@pytest.mark.parametrize("target", ["no.such.module:app", "shipper:nothing", "shipper:", "os:path"])
def test_a_target_that_is_no_app_is_explained(target: str) -> None:
    code, out, err = shipper(target)
    assert (code, out) == (2, "")
    assert err.startswith("shipper: ")
    assert "Traceback" not in err
