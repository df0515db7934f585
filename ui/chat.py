"""`byline chat`: the browser app, served on this machine."""

from __future__ import annotations

import importlib
import os
import socket
import threading
import warnings
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import SettingsError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from qa.assistant import Assistant

LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(
    home: str | os.PathLike[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    *,
    auth: bool = False,
    mcp: bool = False,
    folders: bool = False,
    allow_hosts: Sequence[str] = (),
    assistant: Assistant | None = None,
) -> None:
    """Serve the chat until it is interrupted, after printing its address.

    `auth` asks for the names and passwords in `users.json` of the library's home; `mcp` offers the tools of
    `ui.api` to other programs; `folders` lets people add folders of this machine; `allow_hosts` are further names
    that the server answers to. Raises SettingsError for a port in use or settings that do not go together.
    """
    import uvicorn

    from qa.assistant import Assistant

    port = check_port(host, port)
    opened = assistant or Assistant.open(home)
    app = create(opened, host=host, auth=auth, mcp=mcp, folders=folders, allow_hosts=allow_hosts)
    shown = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else f'[{host}]' if ':' in host else host}:{port}"
    print(f"Byline is at {shown}  (Ctrl-C ends it)", flush=True)
    if host not in LOCAL and not auth:
        print(
            "Anyone who can reach this address can read and change the library; --auth asks for a password.", flush=True
        )
    if open_browser:
        threading.Timer(0.8, webbrowser.open, [shown]).start()
    try:
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=2)
    finally:
        if assistant is None:
            opened.library.close()


def create(
    assistant: Assistant,
    *,
    host: str = "127.0.0.1",
    auth: bool = False,
    mcp: bool = False,
    folders: bool = False,
    allow_hosts: Sequence[str] = (),
    samples: Path | None = None,
) -> FastAPI:
    """Return the whole application, for any ASGI server."""
    # Before Gradio is imported: it would look up outside hosts otherwise. Imported here because it costs 2 seconds.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    home = assistant.library.settings.home
    os.environ["GRADIO_TEMP_DIR"] = str(home / "uploads")  # the system's own is open to all users of it
    import gradio as gr
    from fastapi import FastAPI

    from eval.sample import articles_folder
    from ui import api, evaluation_page, history_page, library_page, page, server, theme
    from ui.desk import ASKERS, UPLOAD_MB, WAITING, Desk
    from ui.users import Users, read

    users = Users(home / "users.json", assistant.library) if auth else None
    if users and not read(users.file):
        raise SettingsError("Nobody could sign in yet: add a user first with byline user NAME.")
    if auth and mcp:
        raise SettingsError("--mcp and --auth do not work together: programs cannot sign in. Leave one out.")
    if mcp:
        try:  # or Gradio goes on without it and says nothing
            importlib.import_module("mcp")
        except ImportError as error:
            raise SettingsError("--mcp needs one more package: pip install 'byline[mcp]'") from error
    desk = Desk(assistant, samples_from=samples or articles_folder(), folders=folders, users=users)
    with gr.Blocks(title="Byline", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as demo:
        page.build(demo, desk)
        api.build(desk)
    for built, name in ((library_page, "Library"), (history_page, "History"), (evaluation_page, "Evaluation")):
        with demo.route(name, show_in_navbar=False):  # the pages have a header of their own
            built.build(demo, desk)
    demo.queue(max_size=WAITING, default_concurrency_limit=ASKERS, api_open=True)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.routes(app, desk)
    given: dict[str, Any] = {"auth_dependency": server.user_of(desk)} if users else {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="SSR mode")  # said even where it is off
        gr.mount_gradio_app(
            app,
            demo,
            path="/",
            theme=theme.theme(),
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            show_error=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=mcp,
            max_file_size=f"{UPLOAD_MB}mb",
            **given,
        )
    if mcp:
        api.speak_json(demo)
    calls = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public" and isinstance(fn.api_name, str)}
    app.add_middleware(server.Private)
    app.add_middleware(
        server.Guard,
        hosts=server.names(host, allow_hosts),
        pages=[f"/{name}" for name, *_ in demo.pages],
        calls=calls,
        desk=desk,
        mcp=mcp,
    )
    return app


def check_port(host: str, port: int) -> int:
    """Return the port to serve at: `port`, or for 0 a free one. Raises SettingsError if nothing can be served there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
            return int(trial.getsockname()[1])
        except (OSError, OverflowError) as error:
            other = port + 1 if 0 < port < 65535 else 7861
            raise SettingsError(
                f"Cannot serve at {host}:{port} ({error}). Choose another with --port {other}."
            ) from error
