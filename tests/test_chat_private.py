"""Privacy and hostile articles, in a real browser: nothing runs, nothing loads, no other host hears of anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import chat_tools
from tests.chat_tools import Served, article, ask, visit

# Each tries to run `hit()`, to load from evil.example, or to break out of where it is put.
HOSTILE = [
    "<script>hit()</script>",
    "<img src=x onerror=hit()>",
    "<img src='http://evil.example/a.png'>",
    "<svg onload=hit()>",
    "<svg><script>hit()</script></svg>",
    "<iframe src='javascript:parent.hit()'></iframe>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "<body onload=hit()>",
    "<details open ontoggle=hit()>",
    "<video src=x onerror=hit()></video>",
    "<audio src=x onerror=hit()></audio>",
    "<input autofocus onfocus=hit()>",
    "<select autofocus onfocus=hit()>",
    "<textarea autofocus onfocus=hit()>",
    "<marquee onstart=hit()>",
    "<object data='javascript:hit()'></object>",
    "<embed src='javascript:hit()'>",
    "<a href='javascript:hit()'>click</a>",
    "<form action='javascript:hit()'><button>go</button></form>",
    "<math><mtext></mtext><mglyph><svg><mtext><style><img src=x onerror=hit()></style></mtext></svg></mglyph></math>",
    "<style>@import 'http://evil.example/a.css';</style>",
    "<link rel=stylesheet href=http://evil.example/a.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<base href='http://evil.example/'>",
    "<template><img src=x onerror=hit()></template>",
    "<noscript><p title='</noscript><img src=x onerror=hit()>'>",
    "<xmp><img src=x onerror=hit()></xmp>",
    "<!--><img src=x onerror=hit()>-->",
    "<![CDATA[<img src=x onerror=hit()>]]>",
    '"><img src=x onerror=hit()>',
    "'><img src=x onerror=hit()>",
    '" onmouseover="hit()',
    "' autofocus onfocus='hit()",
    "` onfocus=hit() autofocus=`",
    "</article><script>hit()</script>",
    "</blockquote></li></ol><img src=x onerror=hit()>",
    "</title><script>hit()</script>",
    "</style><script>hit()</script>",
    "</script><script>hit()</script>",
    "${hit()}",
    "${alert`1`}",
    "`${hit()}`",
    "\\x3cimg src=x onerror=hit()\\x3e",
    "\\u003cscript\\u003ehit()\\u003c/script\\u003e",
    "{{value}} {{#each props}}{{this}}{{/each}}",
    "{{constructor.constructor('hit()')()}}",
    "{{{value}}}",
    "@children",
    "a lone backslash \\",
    "&lt;script&gt;hit()&lt;/script&gt;",
    "&#60;img src=x onerror=hit()&#62;",
    "![x](http://evil.example/a.png)",
    "[click](javascript:hit())",
    "[click](http://evil.example/)",
    "<http://evil.example/>",
    "**bold** _em_ `code` # head",
    "| a | b |\n|---|---|\n| ![](http://evil.example/t.png) | x |",
    "\u202egnp.exe\u202c and \u200bzero\u200b width",
    "%3Cscript%3Ehit()%3C/script%3E",
    "<sc\u0000ript>hit()</scr\u0000ipt>",
    "＜script＞hit()＜/script＞",
    "javascript:hit()//",
]


@pytest.fixture
def server(home: Path) -> Iterator[Served]:
    with chat_tools.served(home) as running:
        yield running


def test_there_are_sixty_hostile_strings() -> None:
    assert len(set(HOSTILE)) >= 60


def test_hostile_titles_authors_outlets_texts_and_addresses_do_nothing(
    browser: Any, server: Served, tmp_path: Path
) -> None:
    for n, text in enumerate(HOSTILE):
        server.library.put(
            article(
                f"{text} {n}",
                f"The walrus number {n} said {text} on the quay.\n\n{text}",
                authors=(text,),
                publisher=text,
                url=f"javascript:hit()//{n}" if n % 2 else f'https://evil.example/{n}?"><img src=x onerror=hit()>',
                published=text[:10],
                id=f"hostile{n:04d}",
            )
        )
    page = visit(browser, server.url)
    page.context.add_init_script("window.wasHit = false; window.hit = () => { window.wasHit = new Error().stack; };")
    for n, text in enumerate(HOSTILE):
        if n % 10 == 0:
            page.goto(server.url)
            page.wait_for_selector("#shelf-list .item")
        ask(page, f"walrus number {n} quay {text[:200]}")
        page.locator("#present [data-quote]").first.click()
        page.wait_for_selector("[data-article]")
        assert page.evaluate("window.wasHit") is False, text
    shown = page.locator("#present blockquote").first.inner_text()
    assert shown.startswith("The walrus number")
    for path in ("/library", "/history"):
        page.goto(server.url + path)
        page.wait_for_selector(".rows li")
        page.wait_for_timeout(300)
        assert page.evaluate("window.wasHit") is False, path
    file = tmp_path / "<img src=x onerror=hit()>.txt"
    file.write_text("A file with a hostile name\n\nIt holds an ordinary sentence about otters.\n", "utf-8")
    page.goto(f"{server.url}/library#add")
    page.set_input_files("#add-files input[type=file]", str(file))
    page.wait_for_selector("#add-files >> text=txt")
    page.click("#add")
    page.wait_for_selector(".results li")
    assert page.evaluate("window.wasHit") is False
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.protocol)")
    assert set(links) <= {"http:", "https:"}
    assert page.trouble == []
    assert page.outside == []


def test_a_quote_of_hostile_text_is_still_exact(browser: Any, server: Served) -> None:
    text = "The porcupine wrote <b>${hit()}</b> &amp; `{{value}}` \\ on the wall."
    server.library.put(article("Signs", f"Nothing here.\n\n{text}\n\nNothing there."))
    page = visit(browser, server.url)
    ask(page, "What did the porcupine wrote on the wall?")
    assert page.locator("[data-quote] blockquote").first.text_content() == text
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    assert page.locator("[data-article] mark").text_content() == text
    assert page.trouble == []


def test_no_request_leaves_for_anywhere_over_the_whole_tour(browser: Any, server: Served) -> None:
    server.library.put(chat_tools.BRIDGE)
    page = visit(browser, server.url)
    page.context.on(
        "request",
        lambda r: page.outside.append(r.url) if not r.url.startswith((server.url, "data:", "blob:")) else None,
    )
    ask(page, "What toll did councillors approve for the harbour bridge?")
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    page.hover(".chip >> nth=0")
    for path in ("/library", "/history", "/evaluation"):
        page.goto(server.url + path)
        page.wait_for_selector("#sheet .hello")
        page.wait_for_timeout(500)
    assert page.outside == []
    assert page.trouble == []
    remembered = page.evaluate("JSON.stringify({...localStorage})")
    assert "councillors" not in remembered
