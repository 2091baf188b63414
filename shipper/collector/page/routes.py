"""The page's routes: what a request asks for, worked out in a thread."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from shipper.collector.answers.answer import Report, ask
from shipper.collector.answers.declared import Declared
from shipper.collector.answers.documents import as_json
from shipper.collector.answers.filters import USUAL, BadFilter, feature_of, window_of
from shipper.collector.page import FILES, html, read_file
from shipper.collector.stores.store import Answers, StoreUnavailable, Window
from shipper.recording.value_names import version_order

#: Nothing from elsewhere, no inline script or style, no frame around it, nothing sent on to where a link leads.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: Pages that are worked out at a time: each may read millions of rows, and events must get through beside them.
AT_A_TIME = 2


#: Whether somebody may see that there is an app: a token can be for some of them alone.
MaySee = Callable[[str], bool]


class Page:
    """Routes for people and scripts that look. `clock` gives Unix seconds.

    `declared` says what an app declares, or None where that is not known.
    """

    def __init__(
        self,
        store: Answers,
        clock: Callable[[], float] = time.time,
        declared: Callable[[str], Declared | None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._declared = declared
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def page(self, request: Request) -> Response:
        """GET /: the page for the filters in the address."""
        given = filters_of(request)
        async with self._turns:
            status, html = await asyncio.to_thread(
                self._render, given, str(request.base_url).rstrip("/"), request.url.query, _may_see(request)
            )
        return HTMLResponse(html, status, SECURITY)

    async def answers(self, request: Request) -> Response:
        """GET /answers.json: the same for scripts."""
        try:
            async with self._turns:
                said = await asyncio.to_thread(self._said, filters_of(request), _may_see(request))
        except BadFilter as bad:
            return JSONResponse({"error": str(bad)}, 400, SECURITY)
        return JSONResponse(said, 200, SECURITY)

    async def file(self, request: Request) -> Response:
        """GET of the page's own files."""
        name = request.path_params["name"]
        if name not in FILES:
            return JSONResponse({"error": "no such page"}, 404)
        return Response(read_file(name), 200, SECURITY | {"Cache-Control": "max-age=300"}, FILES[name])

    def _window(self, given: Mapping[str, list[str]], may_see: MaySee) -> tuple[Window, list[str]]:
        apps = list(filter(may_see, self._store.apps()))
        return window_of(given, apps, self._today()), apps

    def _said(self, given: Mapping[str, list[str]], may_see: MaySee) -> dict[str, Any]:
        window, apps = self._window(given, may_see)
        return as_json(self._report(window, given)) | {"apps": apps}

    def _report(self, window: Window, given: Mapping[str, list[str]]) -> Report:
        return ask(self._store, window, self._today(), self._declared(window.app), feature_of(given))

    def _render(self, given: Mapping[str, list[str]], endpoint: str, query: str, may_see: MaySee) -> tuple[int, str]:
        try:
            window, apps = self._window(given, may_see)
            if not apps:
                return 200, html.document("shipper", html.nothing_yet(endpoint))
            report = self._report(window, given)
            form = self._form(window, apps)
        except BadFilter as bad:
            return 400, _trouble("This address asks for something that cannot be", f"{bad}.")
        except StoreUnavailable as error:
            return 503, _trouble("The store does not answer", f"{error}. Events wait with their senders meanwhile.")
        body = html.body(report, form, "answers.json" + (f"?{query}" if query else ""))
        return 200, html.document(f"{window.app}: shipper", body)

    def _form(self, window: Window, apps: list[str]) -> str:
        versions = sorted(self._store.versions(window.app), key=version_order, reverse=True)
        return html.filters(window, apps, versions, self._today())

    def _today(self) -> int:
        return int(self._clock()) // 86_400


def _trouble(title: str, why: str) -> str:
    return html.document("shipper", html.trouble(title, why, {"Try again": "", f"The last {USUAL} days": "./"}))


def filters_of(request: Request) -> dict[str, list[str]]:
    """The filters in a request's address."""
    return {name: request.query_params.getlist(name) for name in request.query_params}


def _may_see(request: Request) -> MaySee:
    grant = getattr(request.state, "grant", None)
    return grant.covers if grant else lambda _: True
