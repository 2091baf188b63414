"""CLIs built on click and typer."""

from tests.strangers.stranger import Call, Stranger, fails, help_of, ok, usage

NO_SUCH_OPTION, NO_SUCH_COMMAND, MISSING = "NoSuchOption", "NoSuchCommand", "MissingParameter"

SQLITE_UTILS = Stranger(
    "sqlite-utils", "sqlite-utils==4.2.1", "click, click-default-group",
    "from sqlite_utils import cli as module\ninstrument(module.cli)\n",
    "module.cli()",
    (
        *help_of("--help", "--version", "tables --help", "insert --help"),
        *ok("create-database", "create-database new.db"),
        *ok("insert", "insert some.db rows rows.json --pk id"),
        *ok("tables", "tables some.db", "tables some.db --counts"),
        *ok("rows", "rows some.db rows"),
        *ok("query", "query some.db select+1", "some.db select+1", "some.db select+2 --csv"),
        *ok("schema", "schema some.db"),
        *ok("memory", "memory select+3"),
        *ok("vacuum", "vacuum some.db"),
        *fails("query", "query some.db nonsense", error="ClickException"),
        *usage("insert", "insert some.db rows missing.json", error="BadParameter"),
        *usage("tables", "tables", error=MISSING),
        *usage("tables", "tables missing.db", error="BadParameter"),
        *usage("rows", "rows some.db --nonsense", error=NO_SUCH_OPTION),
        *usage("drop-table", "drop-table some.db", error=MISSING),
    ),
    tests=("tests/test_cli.py",),
    files={"rows.json": '[{"id": 1, "word": "one"}, {"id": 2, "word": "two"}]'},
)  # fmt: skip

FLASK = Stranger(
    "flask", "flask==3.1.3", "click, lazy group",
    "from flask import cli as module\ninstrument(module.cli)\n",
    "module.main()",
    (
        *help_of("--help", "--version", "run --help", "--app hello --help"),
        *ok("routes", "--app hello routes", "--app hello.py routes --sort rule", "--app hello:app routes --all-methods"),
        *ok("say", "--app hello say"),
        *usage("routes", "--app missing routes", "--app hello:nothing routes", "routes", error="NoAppException"),
        *fails("bug", "--app hello bug", error="KeyError"),
        *fails("leave", "--app hello leave"),
        *usage("routes", "--app hello routes --nonsense", error=NO_SUCH_OPTION),
        *usage("routes", "--app hello routes --sort nonsense", error="BadParameter"),
        *usage("flask", "--app hello nonsense", error=NO_SUCH_COMMAND),
        *usage("flask", "--nonsense", error=NO_SUCH_OPTION),
        *usage("run", "--app hello run --port word", error="BadParameter"),
        *usage("run", "--app hello run --cert missing.pem", error="BadParameter"),
        *usage("shell", "--app hello shell --nonsense", error=NO_SUCH_OPTION),
        *usage("flask", "--env-file missing routes", error="BadParameter"),
    ),
    names=("say", "bug", "leave"),
    tests=("tests/test_cli.py",),
    files={
        "hello.py": "import flask, sys\napp = flask.Flask(__name__)\napp.route('/')(lambda: 'hello')\n"
        "app.cli.command('say')(lambda: print('said'))\napp.cli.command('bug')(lambda: {}['a secret'])\n"
        "app.cli.command('leave')(lambda: sys.exit(3))\n"
    },
)  # fmt: skip

BLACK = Stranger(
    "black", "black==26.10.1", "click, compiled, one command",
    "import black as module\ninstrument(module.main)\n",
    "module.patched_main()",
    (
        *help_of("--help", "--version", "-h"),
        *ok("black", "good.py", "--check good.py", "-q good.py", "-v good.py", "-c print(1)", "-l 80 good.py"),
        *ok("black", "-t py311 good.py", "--fast good.py", "--include x good.py", "--color good.py"),
        *fails("black", "--check bad.py", "broken.py", "-q broken.py", "--check bad.py good.py", "."),
        *usage("black", "--nonsense", error=NO_SUCH_OPTION),
        *usage("black", "missing.py", error="BadParameter"),
        *usage("black", "-l word good.py", error="BadParameter"),
        *usage("black", "-t py1 good.py", error="BadParameter"),
    ),
    files={"good.py": "print(1)\n", "bad.py": "print( 1 )\n", "broken.py": "print((\n"},
)  # fmt: skip

COOKIECUTTER = Stranger(
    "cookiecutter", "cookiecutter==2.7.1", "click, one command",
    "from cookiecutter import cli as module\ninstrument(module.main)\n",
    "module.main()",
    (
        *help_of("--help", "--version", "-h", "-V"),
        *ok("cookiecutter", "tmpl --no-input -o o1", "tmpl --no-input -o o2 word=two"),
        *ok("cookiecutter", "tmpl --no-input -o o4 --debug-file debug.log", "tmpl --no-input -o o5 -s"),
        *fails("cookiecutter", "--list-installed"),
        *fails("cookiecutter", "missing --no-input", "tmpl --no-input -o o1", "broken --no-input -o o6", "--replay missing"),
        *fails("cookiecutter", "undefined --no-input -o o7", "tmpl --no-input --replay"),
        *usage("cookiecutter", "--nonsense", error=NO_SUCH_OPTION),
        *usage("cookiecutter", "tmpl --no-input words", error="BadParameter"),
        *usage("cookiecutter", "tmpl --no-input -o", error="BadOptionUsage"),
        *usage("cookiecutter", "--accept-hooks maybe tmpl", error="BadParameter"),
    ),
    tests=("tests/test_cli.py",),
    files={
        "tmpl/cookiecutter.json": '{"word": "one"}', "tmpl/{{cookiecutter.word}}/text": "{{cookiecutter.word}}\n",
        "broken/cookiecutter.json": "{", "undefined/cookiecutter.json": '{"word": "one"}',
        "undefined/{{cookiecutter.word}}/text": "{{cookiecutter.nothing}}",
    },
)  # fmt: skip

MKDOCS = Stranger(
    "mkdocs", "mkdocs==1.6.1", "click",
    "from mkdocs import __main__ as module\ninstrument(module.cli)\n",
    "module.cli()",
    (
        *help_of("--help", "--version", "-h", "-V", "build --help", "new --help"),
        *ok("new", "new fresh", "new -q quiet"),
        *ok("build", "build -q -d site", "build -q --clean -d site", "build -q -f mkdocs.yml -d other"),
        *usage("get-deps", "get-deps --nonsense", error=NO_SUCH_OPTION),
        *fails("build", "build -q -f broken.yml", error="ConfigurationError"),
        *ok("build", "build -q --strict -f strict.yml -d site"),
        *usage("build", "build -f missing.yml", error="BadParameter"),
        *usage("build", "build --nonsense", error=NO_SUCH_OPTION),
        *usage("new", "new", error=MISSING),
        *usage("mkdocs", "nonsense", error=NO_SUCH_COMMAND),
        *usage("serve", "serve --nonsense", error=NO_SUCH_OPTION),
        *usage("gh-deploy", "gh-deploy --nonsense", error=NO_SUCH_OPTION),
    ),
    tests=("mkdocs/tests/cli_tests.py",),
    files={
        "mkdocs.yml": "site_name: Sample\n", "broken.yml": "site_name: [\n", "docs/index.md": "# Sample\n",
        "strict.yml": "site_name: Sample\nnav:\n  - missing.md\n",
    },
)  # fmt: skip

FASTAPI = Stranger(
    "fastapi", "fastapi-cli==0.0.34", "typer",
    "from fastapi_cli import cli as module\ninstrument(module.app)\n",
    "module.app()",
    (
        *help_of("--help", "--version", "dev --help", "run --help"),
        *fails("dev", "dev missing.py", "dev missing", "dev missing.py --port 1"),
        *fails("run", "run missing.py", "run missing/app.py", "run missing.py --workers 2", "run missing.py --no-proxy-headers"),
        *usage("dev", "dev --nonsense", error=NO_SUCH_OPTION),
        *usage("run", "run --nonsense", error=NO_SUCH_OPTION),
        *usage("run", "run --port word", error="BadParameter"),
        *usage("dev", "dev --port word", error="BadParameter"),
        *usage("run", "run --workers word", error="BadParameter"),
        *usage("fastapi", "nonsense", error="UsageError"),
        *usage("fastapi", "--nonsense", error=NO_SUCH_OPTION),
        *usage("run", "run a b c", error="UsageError"),
        *usage("dev", "dev a b c", error="UsageError"),
    ),
    extra=("fastapi", "uvicorn", "httpx", "coverage"),
    tests=("tests/test_cli.py",),
)  # fmt: skip

HF = Stranger(
    "hf", "huggingface_hub==2.4.0", "typer, 20 groups, lazy",
    "from huggingface_hub.cli import hf as module\ninstrument(module.app)\n",
    "module.main()",
    (
        *help_of("--help", "cache --help", "download --help", "repos --help"),
        *ok("version", "version"),
        *ok("env", "env"),
        *help_of("download", "upload", "cache rm", "repos", "cache", "auth"),
        *usage("hf", "nonsense", error="NoSuchCommand"),
        *usage("hf", "--nonsense", error=NO_SUCH_OPTION),
        # Its groups catch errors on the way: what its process then ends with nobody knows as the command ends.
        Call("download --nonsense", "download", "usage", NO_SUCH_OPTION, is_status_known=False),
        Call("upload --nonsense", "upload", "usage", NO_SUCH_OPTION, is_status_known=False),
        Call("env --nonsense", "env", "usage", NO_SUCH_OPTION, is_status_known=False),
        Call("version --nonsense", "version", "usage", NO_SUCH_OPTION, is_status_known=False),
    ),
)  # fmt: skip

STRANGERS = (SQLITE_UTILS, FLASK, BLACK, COOKIECUTTER, MKDOCS, FASTAPI, HF)
