"""CLIs built on argparse, optparse, docopt, fire and cyclopts: a decorated main function, and its parser."""

from tests.strangers.stranger import Stranger, fails, help_of, ok, usage

HTTPIE = Stranger(
    "http", "httpie==3.2.4", "argparse, a subclass that overrides how it parses",
    "from httpie.cli import definition\ndefinition.parser = instrument(definition.parser)\n"
    "from httpie import __main__ as module\nmain = instrument(module.main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version"),
        *ok("http", "--offline example.com", "--offline -I POST example.com a=b", "--offline -I -f POST example.com a=b"),
        *ok("http", "--offline -I --print=B example.com a=b", "--offline example.com X:1", "--offline example.com q==1"),
        *ok("http", "--offline -v example.com", "--offline -b example.com", "--offline -I --json example.com a:=1"),
        *ok("http", "--offline --auth a:b example.com", "--offline -I PUT example.com @rows.json"),
        *fails("http", ":1/none", "--timeout 0.1 :1", "POST :1 a=b", "--offline example.com a@missing"),
        *fails("http", "--nonsense", "--offline", "--print=Z example.com"),  # it catches its parser's exit
    ),
    files={"rows.json": "[]"},
    tests=("tests/test_cli.py", "tests/test_cli_ui.py"), extra=("responses", "pytest-mock", "pytest-httpbin"),
)  # fmt: skip

TWINE = Stranger(
    "twine", "twine==7.0.0", "argparse, commands by entry points",
    "from twine import __main__ as module\nmain = instrument(module.main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "-h"),
        *fails("check", "check missing.whl"),
        *fails("check", "check broken.whl", "check --strict broken.whl", error="BadZipFile"),
        *fails("upload", "upload --repository-url http://127.0.0.1:1 missing.whl", "upload -r none missing.whl"),
        *fails("upload", "upload --config-file missing missing.whl", "upload --non-interactive missing.whl"),
        *fails("register", "register -r none missing.whl"),
        *usage("twine", "nonsense", "--nonsense", ""),
        *usage("upload", "upload", "upload --nonsense"),
        *usage("check", "check", "check --nonsense"),
        *usage("register", "register", "register --nonsense"),
    ),
    edits=(("twine/cli.py", "    parser.parse_args(argv, namespace=args)\n",
            "    from stranger_telemetry import instrument, name_command\n"
            "    instrument(parser).parse_args(argv, namespace=args)\n    name_command(args.command)\n"),),
    names=("check", "upload", "register"),
    files={"broken.whl": "no wheel"},
    tests=("tests/test_cli.py", "tests/test_main.py"), extra=("pretend", "pytest-socket"),
)  # fmt: skip

BUILD = Stranger(
    "pyproject-build", "build==1.6.1", "argparse, the parser made in main",
    "import build.__main__ as module\nmake = module.main_parser\nmodule.main_parser = lambda: instrument(make())\n"
    "main = instrument(module.entrypoint)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "-h", "-V"),
        *ok("pyproject-build", "-n -x -s good -o d1", "-n -x -s good -o d2"),
        *fails("pyproject-build", "-n missing", "-n -x none", "-n -x broken", "-n -x -w broken", "-n -s none"),
        *fails("pyproject-build", "-n -x missing -o d2", "-n --sdist missing", "-n --wheel missing", "-v -n missing"),
        *usage("pyproject-build", "--nonsense", "a b c", "--installer none good", "-o"),
    ),
    files={
        "good/pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "good"\nversion = "1"\n',
        "good/backend.py": "def build_sdist(folder, settings=None):\n    import os\n"
        "    open(os.path.join(folder, 'good-1.tar.gz'), 'w').close()\n    return 'good-1.tar.gz'\n",
        "broken/pyproject.toml": "[", "none/README": "",
    },
    tests=("tests/test_main.py", "-k", "parse_args or prog or version or raises"), extra=("filelock", "pytest-mock", "pytest-rerunfailures"),
)  # fmt: skip

YAMLLINT = Stranger(
    "yamllint", "yamllint==1.38.0", "argparse, the parser made in main",
    "from yamllint import cli as module\nmain = instrument(module.run)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "-h", "-v"),
        *ok("yamllint", "good.yaml", "-s good.yaml", "-f parsable good.yaml", "warned.yaml", "--no-warnings warned.yaml"),
        *ok("yamllint", "--list-files good.yaml", "-d relaxed good.yaml", "-c config good.yaml"),
        *fails("yamllint", "bad.yaml", "-f github bad.yaml", "-f colored bad.yaml", "-s warned.yaml"),
        *fails("yamllint", "missing.yaml"),
        *fails("yamllint", "-c missing good.yaml", "-d nonsense good.yaml", error="FileNotFoundError"),
        *usage("yamllint", "", "--nonsense", "-f nonsense good.yaml"),
    ),
    edits=(("yamllint/cli.py", "    args = parser.parse_args(argv)\n",
            "    from stranger_telemetry import instrument\n    args = instrument(parser).parse_args(argv)\n"),),
    files={"good.yaml": "---\na: 1\n", "warned.yaml": "a: 1\n", "bad.yaml": "---\na: 1 \n", "config": "extends: default\n"},
    tests=("tests/test_cli.py",),
)  # fmt: skip

PRE_COMMIT = Stranger(
    "pre-commit", "pre-commit==4.7.0", "argparse, subparsers made in main",
    "from pre_commit import main as module\nmain = instrument(module.main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "run --help", "help", "help run"),
        *ok("sample-config", "sample-config"),
        *ok("validate-config", "validate-config good.yaml", "validate-config"),
        *ok("validate-manifest", "validate-manifest"),
        *ok("clean", "clean"),
        *ok("gc", "gc"),
        *fails("validate-config", "validate-config bad.yaml", "validate-config missing.yaml"),
        *fails("validate-manifest", "validate-manifest bad.yaml"),
        *fails("run", "run", "run --all-files"),
        *fails("install", "install"),
        *usage("pre-commit", "nonsense", "--nonsense"),
        *usage("run", "run --nonsense"),
        *usage("validate-config", "validate-config --nonsense"),
    ),
    edits=(("pre_commit/main.py", "    args = parser.parse_args(argv)\n",
            "    from stranger_telemetry import instrument\n    args = instrument(parser).parse_args(argv)\n"),),
    files={"good.yaml": "repos: []\n", "bad.yaml": "repos: 1\n"},
)  # fmt: skip

ANSIBLE = Stranger(
    "ansible-galaxy", "ansible-core==2.19.14", "argparse, nested subparsers, a class for each program",
    "from ansible.cli import galaxy as module\nmain = instrument(module.main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "role --help", "collection --help"),
        *ok("role.init", "role init fresh"),
        *ok("role.list", "role list -p .") ,
        *ok("collection.init", "collection init some.thing"),
        *fails("role.init", "role init fresh"),
        *fails("collection.install", "collection install -r missing.yml", "collection install ./missing.tar.gz --offline"),
        *fails("role.install", "role install -r missing.yml"),
        *usage("ansible-galaxy", ""),
        *usage("role", "role nonsense", "role", "nonsense", "--nonsense"),
        *usage("collection.init", "collection init"),
        *usage("role.remove", "role remove"),
    ),
    edits=(("ansible/cli/__init__.py", "            options = self.parser.parse_args(self.args[1:])\n",
            "            from stranger_telemetry import instrument\n"
            "            options = instrument(self.parser).parse_args(self.args[1:])\n"),),
)  # fmt: skip

PYCODESTYLE = Stranger(
    "pycodestyle", "pycodestyle==2.15.0", "optparse",
    "import pycodestyle as module\nmain = instrument(module._main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "-h"),
        *ok("pycodestyle", "good.py", "-q good.py", "--max-line-length=80 good.py", "--show-source good.py", "-v good.py"),
        *ok("pycodestyle", "--ignore=E201,E202,E211 bad.py", "--select=W6 bad.py", "--statistics good.py", "--count good.py"),
        *fails("pycodestyle", "bad.py", "-q bad.py", "--first bad.py", "--show-pep8 bad.py", "--statistics -qq bad.py", "missing.py"),
        *usage("pycodestyle", "--nonsense", "", "--max-line-length=word good.py"),
    ),
    files={"good.py": "print(1)\n", "bad.py": "print( 1 )\n"},
)  # fmt: skip

PIPREQS = Stranger(
    "pipreqs", "pipreqs==0.5.0", "docopt",
    "from pipreqs import pipreqs as module\nmain = instrument(module.main)\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version"),
        *ok("pipreqs", "--print good", "--savepath one.txt good", "--force good", "--print --mode compat good"),
        *ok("pipreqs", "--debug --print good", "--print --ignore x good", "--encoding utf-8 --print good"),
        *ok("pipreqs", "--print --no-follow-links good", "--diff listed.txt good", "--clean listed.txt good"),
        *fails("pipreqs", "--print --mode nonsense good", error="ValueError"),
        *usage("pipreqs", "--nonsense", "a b c", "--savepath", "--mode", "--print --print"),
    ),
    files={"good/one.py": "import os\n", "listed.txt": ""},
)  # fmt: skip

FIRE = Stranger(
    "fire", "fire==0.7.1", "fire",
    "from fire import __main__ as module\nmain = instrument(lambda: module.main(sys.argv))\n",
    "sys.exit(main())",
    (
        *help_of("tool.py add --help", "tool.py -- --help"),
        *ok("fire", "tool.py add 1 2", "tool.py add --first 1 --second 2", "tool.py word", "tool.py Deep below", "tool.py none"),
        *ok("fire", "tool.py add 3 4 --", "tool.py add -f 1 -s 2", "tool.py word upper", "tool.py word title", "tool.py Deep"),
        *fails("fire", "tool.py leave"),
        *fails("fire", "tool.py bug", error="ValueError"),
        *fails("fire", "missing.py", error="ModuleNotFoundError"),
        *usage("fire", "tool.py nonsense", "tool.py add", "tool.py add 1", "tool.py add 1 2 3 4", "tool.py Deep nonsense"),
    ),
    files={
        "tool.py": "import sys\nword = 'one'\ndef add(first, second): return first + second\ndef none(): pass\n"
        "def leave(): sys.exit(4)\ndef bug(): raise ValueError('a secret')\nclass Deep:\n    def below(self): return 5\n"
    },
)  # fmt: skip

CYCLOPTS = Stranger(
    "cyclopts", "cyclopts==5.5.2", "cyclopts",
    "from cyclopts import cli as module\nmain = instrument(lambda: module.app())\n",
    "sys.exit(main())",
    (
        *help_of("--help", "--version", "generate-docs --help", "-h"),
        *ok("cyclopts", "generate-docs tool.py:app --output out.md", "run tool.py hello"),
        *fails("cyclopts", "generate-docs tool.py:app", "nonsense", "generate-docs", "generate-docs tool.py:app --nonsense", "run", "--nonsense"),
    ),
    files={"tool.py": "import cyclopts\napp = cyclopts.App(name='tool')\n@app.command\ndef hello():\n    '''Say it.'''\n    print('said')\n"},
)  # fmt: skip

STRANGERS = (HTTPIE, TWINE, BUILD, YAMLLINT, PRE_COMMIT, ANSIBLE, PYCODESTYLE, PIPREQS, FIRE, CYCLOPTS)
