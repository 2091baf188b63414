"""The examples that `--help` shows: each is a call that the parser takes, and a test says so."""

#: Where the documentation is.
DOCS = "https://event-shipper.github.io/event-shipper/"

#: By command ("" is `shipper` itself): the call, and what it does.
EXAMPLES = {
    "": (
        ("shipper demo", "the whole story on this machine, in under a minute"),
        ("shipper status", "what holds for each app here, and what waits"),
        ("shipper off", "record nothing of any app"),
    ),
    "record": (("shipper record -c telemetry.toml step name=build", "one event from a script"),),
    "time": (("shipper time -c telemetry.toml step name=push -- docker push example.com/app", ""),),
    "show": (
        ("shipper show mytool", "what waits, exactly as it will be sent"),
        ("shipper show --sent mytool", "what was delivered, when and where"),
        ("shipper show --quarantine", "what receivers refused, and why"),
    ),
    "drop": (("shipper drop 01a20913-f172-77ec-a649-c6789298b348", "erase one refused event"),),
    "retry": (("shipper retry mytool", "once the receiver is mended: send again what it refused"),),
    "status": (
        ("shipper status --why mytool", "with every rule that could have decided"),
        ("shipper status --json", "for scripts"),
    ),
    "flush": (
        ("shipper flush mytool", "send now what mytool has recorded"),
        ("shipper flush --json", "all apps, and what each came to"),
    ),
    "on": (
        ("shipper on mytool", "let mytool's events be sent, those recorded before too"),
        ("shipper on mytool --with-held", "also what was recorded before"),
    ),
    "local": (("shipper local mytool", "keep mytool's events here, and send none"),),
    "off": (
        ("shipper off mytool", "record nothing of mytool, and erase what waits"),
        ("shipper off", "the same for all apps, also those not yet seen"),
    ),
    "export": (("shipper export mytool > mytool.json", "all that is known of you, here and at the receiver"),),
    "forget": (("shipper forget mytool", "erase what waits, and have the receiver erase what it got"),),
    "doctor": (
        ("shipper doctor", "what is in the way, and what to do"),
        ("shipper doctor mytool.cli:telemetry", "an author's: what of mytool is instrumented, and what is not"),
    ),
    "docs": (
        ("shipper docs mytool.telemetry:app", "the public page, as Markdown"),
        ("shipper docs telemetry.toml --check TELEMETRY.md", "in CI: exit 1 when the page is out of date"),
        ("shipper docs telemetry.toml --html", "the page as HTML"),
    ),
    "run": (
        ("shipper run", "serve all apps until told to end"),
        ("shipper run --once", "from a crontab"),
    ),
    "service": (
        ("shipper service install", "have the system run the daemon"),
        ("shipper service status", "how it does"),
    ),
    "service install": (("shipper service install --on-demand", "no process that stays"),),
    "collect": (
        ("shipper collect", "on this machine, in the folder shipper-data"),
        ("shipper collect --listen 127.0.0.1:8080 --data answers", ""),
        (
            "shipper collect --catalog telemetry.toml --token-file tokens",
            "take only what is declared, from who has a token",
        ),
    ),
    "data": (
        ("shipper data backup events.backup", "while the receiver runs"),
        ("shipper data restore events.backup --data shipper-again", "a store made of it"),
    ),
    "report": (
        ("shipper report mytool --days 90 --ci without", "three months, without CI"),
        ("shipper report --from http://127.0.0.1:4417 --html report.html", "one file, from a running receiver"),
    ),
    "demo": (("shipper demo", ""),),
    "completion": (
        ('eval "$(shipper completion bash)"', "in ~/.bashrc; the same for zsh in ~/.zshrc"),
        ("shipper completion fish > ~/.config/fish/completions/shipper.fish", ""),
    ),
    "help": (("shipper help flush", "as shipper flush --help"),),
}
