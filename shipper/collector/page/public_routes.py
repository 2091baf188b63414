"""The route of the public page: no token, no filter, the same all day."""

import asyncio
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from shipper.collector.answers.declared import Declared
from shipper.collector.answers.public import DAYS, public_report
from shipper.collector.page.public_html import public_page
from shipper.collector.stores.store import Answers, Window
from shipper.recording.names import valid_name

#: A page that is one file has its style inside; beside that it may load nothing and run nothing.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}
#: Pages that are kept: one for each app, and none for a name that only somebody's address has.
KEPT = 100


class PublicPage:
    """GET /public?app=APP. A page is made once a day, so that looking often tells nothing of when somebody came."""

    def __init__(
        self,
        store: Answers,
        least: int,
        declared: Callable[[str], Declared | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._least, self._declared, self._clock = store, least, declared, clock
        self._pages: dict[str, tuple[int, str]] = {}
        self._turn = asyncio.Lock()

    async def page(self, request: Request) -> Response:
        """The page of one app, of the whole days before this one. Whatever else the address says is not heard."""
        app = request.query_params.get("app", "")
        if app and not valid_name(app):
            return PlainTextResponse("no app has such a name", 400, SECURITY)
        async with self._turn:
            html = await asyncio.to_thread(self._page, app, int(self._clock()) // 86_400)
        return HTMLResponse(html, 200, SECURITY)

    def _page(self, app: str, today: int) -> str:
        apps = self._store.apps()
        app = app or (apps[0] if apps else "shipper")
        day, html = self._pages.get(app, (0, ""))
        if day != today:
            window = Window(app, today - DAYS, today - 1)
            declared = self._declared(app) if app in apps else None
            html = public_page(public_report(self._store.view(window), window, self._least, today, declared))
            if app in apps and len(self._pages) < KEPT:
                self._pages[app] = (today, html)
        return html
