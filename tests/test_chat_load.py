"""Many people at once: every one gets the answer to their own question, and nobody is turned away."""

from __future__ import annotations

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from tests import chat_tools
from tests.chat_tools import Served, article

PEOPLE, QUESTIONS = 20, 3
ANIMALS = [
    f"{first}{second}"
    for first in ("amber", "cobalt", "dusky", "golden")
    for second in ("finch", "heron", "lynx", "otter", "vole")
]


def listen(url: str, question: str, fn_index: int) -> list[Any]:
    """Ask as the page does and return the last thing that the server showed."""
    session = secrets.token_hex(6)
    with httpx.Client(timeout=60) as client:
        body = {"data": [question, "{}"], "fn_index": fn_index, "session_hash": session}
        joined = client.post(f"{url}/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        with client.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return message["output"]["data"]
    raise AssertionError("the stream ended before the answer")


def ask_event(server: Served) -> int:
    config = httpx.get(f"{server.url}/config", timeout=30).json()
    private = [d for d in config["dependencies"] if d["api_name"] == "on_ask"]
    assert len(private) == 1
    return int(private[0]["id"])


def test_twenty_people_each_get_their_own_answer(home: Path) -> None:
    assert len(ANIMALS) == PEOPLE
    with chat_tools.served(home) as server:
        for animal in ANIMALS:
            server.library.put(
                article(f"The {animal}", f"Rangers counted the {animal} twice. The {animal} sleeps by the river.")
            )
        event = ask_event(server)

        def person(animal: str) -> list[str]:
            question = f"Is it by the river that the {animal} sleeps?"
            return [str(listen(server.url, question, event)) for _ in range(QUESTIONS)]

        with ThreadPoolExecutor(PEOPLE) as pool:
            answers = dict(zip(ANIMALS, pool.map(person, ANIMALS), strict=True))
        for animal, shown in answers.items():
            for text in shown:
                first = re.search(r"<blockquote[^>]*>(.*?)</blockquote>", text)
                assert first is not None
                assert re.sub(r"<[^>]*>", "", first[1]) == f"The {animal} sleeps by the river."
        assert len(server.library.kept("conversation")) == PEOPLE * QUESTIONS
