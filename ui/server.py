"""The web server around the page: who may talk to it, what it serves, and the headers that keep it private.

Gradio's own application is mounted behind two plain ASGI layers (Starlette's middleware class would break its
streams): `Guard` turns requests away, `Private` puts a Content-Security-Policy on every page.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from ui import export, history, runs
from ui.desk import UPLOAD_MB, Desk
from ui.html import render

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "byline"
BODY_MB = 10 * UPLOAD_MB  # all files of one upload together
SMALL_MB = 2  # any other request

# What the page asks Gradio for, seen in a browser, and no more (`run/predict` is how it calls its own events that do
# not queue): in particular not file=, proxy=, monitoring,
# openapi.json, run history, deep links, recordings and code editing.
GRADIO = re.compile(
    r"/gradio_api/(queue/(join|data)|run/predict|upload|upload_progress|cancel|reset|heartbeat/[\w-]+|login_check|user|app_id|"
    r"info|startup-events|theme\.css)/?|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json)/?|"
    r"/(assets|static|svelte)/.+"
)
CALL = re.compile(r"/gradio_api/(?:run|api|call|call/v2)/(?P<name>[\w-]+)(?:/[\w-]+)?/?")
MCP = re.compile(r"/gradio_api/mcp(/.*)?")
OPEN = re.compile(r"/(sign-in|byline/[\w.-]+|favicon\.ico)")  # without signing in


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy: nothing from or to another host, scripts only with this page's nonce.

    Gradio needs eval (its gr.HTML compiles a template) and inline styles.
    """
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "form-action 'self'; base-uri 'self'; frame-ancestors 'none'; object-src 'none'"
    )


HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # other sites learn nothing; no-referrer would send our own forms as from "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Turn away requests for another host, from another site, too large, not signed in, or for a shut door."""

    def __init__(
        self, app: App, *, hosts: Iterable[str], pages: Iterable[str], calls: Iterable[str], desk: Desk, mcp: bool
    ) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.pages = frozenset(pages)
        self.calls = frozenset(calls)
        self.desk = desk
        self.mcp = mcp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":  # and no web sockets: nothing here speaks them
                await self.app(scope, receive, send)
            return
        refused = self.refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        most = (BODY_MB if scope["path"].rstrip("/") == "/gradio_api/upload" else SMALL_MB) * 2**20
        if int(Headers(scope=scope).get("content-length") or 0) > most:
            await PlainTextResponse("That is too much at once.", 413)(scope, receive, send)
            return
        await self.app(scope, _bounded(receive, most), send)

    def refusal(self, scope: Scope) -> Response | None:
        """Return the answer for a request that goes no further, or None."""
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if not trusted(headers.get("host", ""), self.hosts):
            return PlainTextResponse(
                "This address is not one Byline answers to. Start it with --host or --allow-host.", 400
            )
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin and urlsplit(origin).netloc != headers.get("host"):
            return PlainTextResponse("Another site may not do that.", 403)
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Another site may not read that.", 403)
        if not self.opened(path):
            return PlainTextResponse("There is nothing here.", 404)
        if self.desk.users and not OPEN.fullmatch(path) and not self.desk.users.who(_cookie(scope)):
            if method == "GET" and path in self.pages:
                return RedirectResponse("/sign-in", 303)
            return PlainTextResponse("Sign in first.", 401)
        return None

    def opened(self, path: str) -> bool:
        """Say whether anything is served at `path`."""
        if (
            path in self.pages
            or OPEN.fullmatch(path)
            or GRADIO.fullmatch(path)
            or path.startswith(("/export/", "/evaluation/", "/sign-"))
        ):
            return True
        if self.mcp and MCP.fullmatch(path):
            return True
        call = CALL.fullmatch(path)
        return bool(call and call["name"] in self.calls)


def trusted(host: str, names: Iterable[str]) -> bool:
    """Say whether a Host header may be answered.

    An address in numbers is always the one typed; a *name* may be one that an attacker points at this machine
    (DNS rebinding), so only known names pass.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


def _cookie(scope: Scope) -> str | None:
    # Not http.cookies: it gives up at the first cookie that is not to the letter, such as another application of the
    # same host or domain may set ({"a": 1}, a space, an é), and whoever has one could never sign in.
    return HTTPConnection(scope).cookies.get(COOKIE)


def _bounded(receive: Receive, most: int) -> Receive:
    """Return `receive` that ends a body after `most` bytes, whatever length was declared."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body") or b"")
        return {"type": "http.disconnect"} if seen > most else message

    return bounded


class Private:
    """Give every HTML page a nonce for its scripts, the page's own style and script, and the headers above."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        parts: list[bytes] = []

        async def change(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers[name] = value
                if headers.get("content-type", "").startswith("text/html") and "content-security-policy" not in headers:
                    start = message  # held back until the whole page is here to be rewritten
                    return
            elif start is not None and message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                nonce = secrets.token_urlsafe(16)
                body = rewritten(b"".join(parts).decode("utf-8"), nonce).encode("utf-8")
                headers = MutableHeaders(raw=start["headers"])
                headers["content-security-policy"] = policy(nonce)
                headers["content-length"] = str(len(body))
                headers["cache-control"] = "no-store"
                await send(start)
                message = {"type": "http.response.body", "body": body}
            await send(message)

        if scope["path"].startswith(("/assets/", "/static/", "/byline/")):
            await self.app(scope, receive, send)
        else:  # uncompressed: what is rewritten below must be text
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]}
            await self.app(scope, receive, change)


def rewritten(page: str, nonce: str) -> str:
    """Return Gradio's page with the nonce on its scripts, our style and script in its head, its adverts taken out."""
    page = re.sub(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>\s*", "", page)
    page = page.replace('<link rel="manifest" href="/manifest.json" />', "")
    page = page.replace("<head>", "<head>" + head(), 1)
    return re.sub(r"<script\b", f'<script nonce="{nonce}"', page)


def head() -> str:
    """Return the tags that load the page's own style and script; the name changes when the content does."""
    return (
        f'<link rel="stylesheet" href="/byline/byline.css?{asset("byline.css")[1]}">'
        f'<script src="/byline/byline.js?{asset("byline.js")[1]}"></script><title>Byline</title>'
    )


def asset(name: str) -> tuple[bytes, str]:
    """Return one of our own files and a short hash of it. Raises FileNotFoundError."""
    content = (resources.files("ui") / "assets" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def names(host: str, allowed: Iterable[str]) -> set[str]:
    """Return the host names this server answers to."""
    return {"localhost", host.strip("[]"), socket.gethostname(), *allowed}


def routes(app: FastAPI, desk: Desk) -> None:
    """Add what is not Gradio's: our files and signing in and out."""

    @app.get("/byline/{name}")
    def ours(name: str) -> Response:
        kinds = {"byline.css": "text/css", "byline.js": "text/javascript", "icon.svg": "image/svg+xml"}
        if name not in kinds:
            return PlainTextResponse("There is nothing here.", 404)
        return Response(
            asset(name)[0], media_type=kinds[name], headers={"cache-control": "max-age=31536000, immutable"}
        )

    @app.get("/export/library.jsonl")
    def library_file() -> Response:
        return StreamingResponse(
            export.articles(desk.library), media_type="application/jsonl", headers=_attached("byline-library.jsonl")
        )

    @app.get("/export/{name}.{kind}")
    def conversation_file(name: str, kind: str, request: Request) -> Response:
        owner = (user_of(desk)(request) or "") if desk.users else ""
        talk = history.load(desk.library, owner, name)
        if talk is None or kind not in export.KINDS:
            return PlainTextResponse("There is no such conversation.", 404)
        made = export.conversation(talk, kind, desk.find)
        return Response(made, media_type=export.KINDS[kind], headers=_attached(f"{export.filename(talk.title)}.{kind}"))

    @app.get("/evaluation/{name}/{file}")
    def report(name: str, file: str) -> Response:
        place = runs.report_file(desk.home, name, file)
        if place is None:
            return PlainTextResponse("There is no such report.", 404)
        # The report is a page of its own, without scripts; nothing in it may load or run.
        shut = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        content = place.read_bytes()
        if file == "report.html":
            content = content.replace(b"<main>", b'<main><p class="small"><a href="/evaluation">All runs</a></p>', 1)
        return Response(content, media_type=runs.REPORTS[file], headers=shut)

    if desk.users:
        _doors(app, desk)


def _attached(name: str) -> dict[str, str]:
    """Return the headers of a file to be saved, never shown as a page of ours."""
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
    }


def _doors(app: FastAPI, desk: Desk) -> None:
    @app.get("/sign-in")
    def door(wrong: str = "") -> Response:
        return HTMLResponse(render("parts", "sign_in", complaint=""))

    @app.post("/sign-in")
    async def enter(request: Request) -> Response:
        import anyio

        form = await request.form()
        name, password = str(form.get("name", "")).strip()[:64], str(form.get("password", ""))[:1024]
        complaint = await anyio.to_thread.run_sync(desk.users.check, name, password)
        if complaint:
            return HTMLResponse(render("parts", "sign_in", complaint=complaint), 403)
        answer = RedirectResponse("/", 303)
        token = await anyio.to_thread.run_sync(desk.users.sign_in, name)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, max_age=30 * 86400, httponly=True, samesite="lax", secure=secure)
        return answer

    @app.post("/sign-out")
    def leave(request: Request) -> Response:
        desk.users.sign_out(request.cookies.get(COOKIE))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer


def user_of(desk: Desk) -> Callable[[Request], str | None]:
    """Return what tells Gradio who sent a request."""
    return lambda request: desk.users.who(request.cookies.get(COOKIE))
