"""Photograph every state of the chat, to be looked at: `python -m tests.screens FOLDER [NAME …]`.

It serves a chat over a new home with the sample articles and the shipped models, and writes one PNG for each state in
each form: desktop and phone, light and dark, and the narrowest and widest screens in light. NAMEs limit it to the
states that begin so; `--form` to some forms; `--keep` renews the pictures in `ui/screens` from those in FOLDER.
Nothing here is a test; the tests hold what the pictures cannot show.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qa.assistant import Assistant
from tests.chat_tools import Served, ask, chromium, visit

FORMS = {
    "desktop-light": (1280, 800, "light"),
    "desktop-dark": (1280, 800, "dark"),
    "phone-light": (390, 844, "light"),
    "phone-dark": (390, 844, "dark"),
    "narrow": (360, 740, "light"),
    "wide": (1920, 1080, "light"),
}
BRIDGE = "How much will it cost to cross the Aske bridge?"
GUARANTEES = "What does Russia mean by security guarantees?"
NOWHERE = "How many British soldiers would be stationed in Ukraine after a ceasefire?"
ALTERED = "Drivers will pay £3.50 to cross the Aske Bridge from 1 April next year."
HERON = "Herons return to the mill pond\n\nThe warden counted eleven herons at the mill pond this spring.\n"


def welcome(page: Any, url: str) -> None:
    page.goto(url)
    page.evaluate("sessionStorage.clear()")  # the filters that another state has set
    page.goto(url)
    page.wait_for_selector(".welcome")


def filters(page: Any, url: str) -> None:
    welcome(page, url)
    page.click(".filter summary")
    page.fill("[name=after]", "2025-01-01")
    page.check("[name=publisher] >> nth=1")


def answer(page: Any, url: str) -> None:
    welcome(page, url)
    ask(page, BRIDGE)


def preview(page: Any, url: str) -> None:
    answer(page, url)
    page.focus(".chip >> nth=0")
    page.wait_for_selector("#byline-preview:visible")


def reader(page: Any, url: str) -> None:
    answer(page, url)
    page.click("[data-quote] blockquote >> nth=0")
    page.wait_for_selector("[data-article] mark")
    page.mouse.move(2, 2)


def follow_up(page: Any, url: str) -> None:
    answer(page, url)
    ask(page, "And when will that start?")


def long_answer(page: Any, url: str) -> None:
    welcome(page, url)
    ask(page, GUARANTEES)


def working(page: Any, url: str) -> None:
    welcome(page, url)
    page.fill("#question textarea", GUARANTEES)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-state=working]")


def no_answer(page: Any, url: str) -> None:
    welcome(page, url)
    ask(page, NOWHERE)


def nearest(page: Any, url: str) -> None:
    no_answer(page, url)
    page.click(".nearest summary")


def evidence(page: Any, url: str) -> None:
    welcome(page, url)
    page.fill("#question textarea", ALTERED)
    page.click("[data-check]")
    page.wait_for_selector(".evidence")


def library(page: Any, url: str) -> None:
    page.goto(f"{url}/library")
    page.wait_for_selector(".rows li")


def adding(page: Any, url: str) -> None:
    library(page, url)
    page.click("#adding > button")
    file = Path(tempfile.mkdtemp()) / "heron.txt"
    file.write_text(HERON, "utf-8")
    page.set_input_files("#add-files input[type=file]", str(file))
    page.wait_for_selector("#add-files >> text=heron")
    page.fill("#add-urls textarea", "http://127.0.0.1:1/a-story-behind-a-wall")
    page.click("#add")
    page.wait_for_selector(".results li >> nth=1")


def removed(page: Any, url: str) -> None:
    library(page, url)
    page.fill("[name=text]", "herons")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    page.click("[data-discard]")
    page.wait_for_selector("[data-restore]")


def history(page: Any, url: str) -> None:
    page.goto(f"{url}/history")
    page.wait_for_selector(".rows li")


def evaluation(page: Any, url: str) -> None:
    page.goto(f"{url}/evaluation")
    page.wait_for_selector(".figures tbody tr >> nth=1", timeout=5_000)


def comparison(page: Any, url: str) -> None:
    evaluation(page, url)
    page.click("[data-pair]")
    page.wait_for_selector("text=in both runs")


def report(page: Any, url: str) -> None:
    evaluation(page, url)
    page.click("#rows .name >> nth=0")
    page.wait_for_selector("h1")


STATES: dict[str, Callable[[Any, str], None]] = {
    f.__name__.replace("_", "-"): f
    for f in (welcome, filters, answer, preview, reader, follow_up, long_answer, working, no_answer, nearest, evidence)
} | {f.__name__: f for f in (library, adding, removed, history, evaluation, comparison, report)}


# What README and the repository show, and which pictures each is made of, side by side.
KEPT = {
    "answer-light": ("reader-desktop-light",),
    "answer-dark": ("reader-desktop-dark",),
    "phone": ("answer-phone-light", "reader-phone-light"),
    "library": ("library-desktop-light",),
    "first-run": ("first-run-desktop-light",),
    "no-answer": ("nearest-desktop-light",),
    "adding": ("adding-desktop-light",),
    "evaluation": ("evaluation-desktop-light",),
}
SCREENS = Path(__file__).resolve().parent.parent / "ui" / "screens"


def main(argv: list[str]) -> int:
    """Write the pictures and name each one; a state that cannot be reached is said and passed over."""
    parser = argparse.ArgumentParser("python -m tests.screens", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("names", nargs="*", help=f"states, by how they begin: first-run, {', '.join(STATES)}")
    parser.add_argument("--form", nargs="*", choices=list(FORMS), default=list(FORMS), help="default: all")
    parser.add_argument("--keep", action="store_true", help="only renew ui/screens from the pictures in the folder")
    given = parser.parse_args(argv)
    if given.keep:
        keep(given.folder)
        return 0
    folder, wanted, failed = given.folder, tuple(given.names) or ("",), 0
    folder.mkdir(parents=True, exist_ok=True)
    for form in set(FORMS) - set(given.form):
        del FORMS[form]
    with tempfile.TemporaryDirectory(prefix="byline-screens-") as home, chromium() as browser:
        server = Served(Path(home), Assistant.open(home))
        try:
            steps: dict[str, Callable[[Any, str], None]] = {"first-run": welcome}
            failed += shoot(browser, server.url, folder, steps, wanted)
            if any(name.startswith(wanted) for name in STATES):
                runs = any(name.startswith(wanted) for name in ("evaluation", "comparison", "report"))
                fill(browser, server.url, runs)
                failed += shoot(browser, server.url, folder, STATES, wanted)
        finally:
            server.stop()
    return int(failed > 0)


def fill(browser: Any, url: str, runs: bool) -> None:
    """Load the sample articles as a person would, and evaluate twice."""
    page = visit(browser, url)
    page.click("[data-load]")
    page.wait_for_selector(".banner", timeout=300_000)
    if runs:
        page.goto(f"{url}/evaluation")
        page.check("#few input")
        for n in (1, 2):
            page.click("#run")
            page.wait_for_selector(f".figures tbody tr >> nth={n - 1}", timeout=300_000)
    page.context.close()


def shoot(browser: Any, url: str, folder: Path, states: dict[str, Any], wanted: tuple[str, ...]) -> int:
    """Photograph `states` in every form; return how many could not be."""
    failed = 0
    for form, (width, height, scheme) in FORMS.items():
        touch = {"is_mobile": True, "has_touch": True} if width < 600 else {}
        page = visit(browser, url, viewport={"width": width, "height": height}, color_scheme=scheme, **touch)
        for name, reach in states.items():
            if not name.startswith(wanted):
                continue
            try:
                reach(page, url)
                page.wait_for_timeout(0 if reach is working else 700)  # for what slides or scrolls
                page.screenshot(path=folder / f"{name}-{form}.png")
                print(f"{name}-{form}.png", flush=True)
            except Exception as error:
                failed += 1
                print(f"{name}-{form}: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
        for trouble in page.trouble:
            print(f"{form}: {trouble}", file=sys.stderr)
        page.context.close()
    return failed


def keep(folder: Path) -> None:
    """Renew the pictures in `ui/screens`, in 128 colours: a third of the size, and no eye sees it."""
    from PIL import Image

    for name, parts in KEPT.items():
        pictures = [Image.open(folder / f"{part}.png").convert("RGB") for part in parts]
        whole = Image.new("RGB", (sum(p.width + 24 for p in pictures) - 24, pictures[0].height), (216, 210, 198))
        for number, picture in enumerate(pictures):
            whole.paste(picture, (number * (picture.width + 24), 0))
        whole.quantize(128, dither=Image.Dither.NONE).save(SCREENS / f"{name}.png", optimize=True)
        print(f"{name}.png {(SCREENS / f'{name}.png').stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
