"""`shipper report --public`: the page that an author may show to everybody."""

import argparse
import time
from collections.abc import Mapping, Sequence

from shipper.collector.answers.declared import Declared
from shipper.collector.answers.filters import CI, BadFilter, window_of
from shipper.collector.answers.public import FEWEST, LEAST, public_report
from shipper.collector.page.public_html import public_page
from shipper.collector.stores.addresses import read_store
from shipper.errors import BadCall


def check_public(args: argparse.Namespace) -> None:
    """Refuse what would let two public pages be compared, or is no page. Raises BadCall."""
    if not args.html:
        raise BadCall("--public is a page", "Say where to: --public --html FILE")
    if args.receiver:
        raise BadCall(
            "--public is made from a store",
            "Name it: --data DIR or --store URL; or start `shipper collect --public-page`.",
        )
    if args.version or args.uses or args.question or args.ci != CI[0]:
        raise BadCall(
            "--public takes no filter but days: two pages that differ by a filter would tell what neither says",
            "Leave out --version, --ci, --uses and --question.",
        )
    if args.least is not None and args.least < FEWEST:
        raise BadCall(f"--least is at least {FEWEST}: with --public no number stands for one installation")


def public_html(args: argparse.Namespace, given: Mapping[str, Sequence[str]], declared: Declared | None) -> str:
    """Make the page from a store: the last 30 whole days unless others are named. Raises ShipperError."""
    store = read_store(args.store)
    try:
        today = int(time.time()) // 86_400
        window = window_of(given, [declared.app] if declared else store.apps(), today - 1)
        return public_page(public_report(store.view(window), window, args.least or LEAST, today, declared))
    except BadFilter as bad:
        raise BadCall(str(bad)) from None
    finally:
        store.close()
