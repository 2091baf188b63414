"""The end of the story: the answers in the tool's own words, and the page that everybody may see."""

import os
import time

from shipper.demo.stage import Stage

#: The questions that are shown: what people use and where they fail, an event of the tool's, and its own two questions.
SHOWN = ("commands", "field:datasource.kind", "pair:setup", "funnel:start")
#: Words of the tool's declaration, none of which may stand on a page about one installation.
OWN_WORDS = ("postgres", "generate", "nextjs", "0.150.0", "cpython", "SourceUnreachable")


def show_answers(stage: Stage) -> None:
    """Ask for some answers, and publish a page."""
    # The tool's own declaration, as it lies in its spool: the answers speak of nothing else.
    spool = os.path.join(stage.environ["SHIPPER_HOME"], "state", "shipper", "apps", "wunderctl")
    source = ("--data", "data", "--catalog", os.path.join(spool, "app.json"))
    stage.act("And these are the answers, in the tool's own words.")
    ran = stage.run(stage.command_line("report", *source, *(word for key in SHOWN for word in ("--question", key))))
    stage.command("shipper report --data data --catalog app.json")
    for line in ran.out.splitlines():
        stage.output(line)
    stage.act("A page for everybody tells of ten installations or more. Of this one it tells nothing.")
    until = time.strftime("%Y-%m-%d", time.gmtime())
    page = os.path.join(stage.project, "public.html")
    made = stage.run(stage.command_line("report", *source, "--until", until, "--public", "--html", page))
    stage.command("shipper report --data data --catalog app.json --public --html public.html")
    stage.check("the page was written", 0, made.code)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    stage.check("it says that there are too few installations", True, "Fewer than 10 installations" in text)
    stage.check("no word of what this one did stands on it", [], [word for word in OWN_WORDS if word in text])
