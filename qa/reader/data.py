"""Training examples for the reader: a question, a passage that answers it, and a passage that does not.

Reads the question-answering sets that `train.py` is given (one JSON object a line, gzipped). Negatives are what the
reader meets in life: passages retrieved for the question that do not hold its answer, and, for one question in six,
nothing but such passages. Articles of the news set are divided by a hash of their id: some to train on, some to fit
the calibration on, some to report on, and no question crosses.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qa.encoder import Encoder
from qa.passages import MAX_TOKENS, heading_text, split
from qa.records import Article
from qa.text import behind, fold, sentences

# How often a set's questions are used in one pass, by how near the set is to news questions.
SETS = {
    "squad_v1.1_train_part": 0.9,
    "squadshifts_wiki": 0.5,
    "squadshifts_reddit": 0.1,
    "squadshifts_amazon": 0.05,
    "qed_train": 0.5,
    "qamr": 0.05,
    "qadiscourse_wikinews": 0.2,
    "qadiscourse_wikipedia": 0.1,
    "selqa_sentence": 0.4,
    "clapnq_dev": 1.0,
    "fairytaleqa": 0.08,
    "policyqa": 0.04,
    "ester": 2.0,
}
NEWS_TIMES = 2
OWN_ARTICLE_TIMES = 4  # each of them was written to be asked about: parts far apart, words that mislead
WHOLE_SENTENCES = frozenset({"selqa_sentence", "clapnq_dev"})  # their answers are sentences: no spans to learn
UNANSWERABLE = 1 / 6
FOLLOW_UPS = 0.12
TITLED = 0.8
SEVERAL_TIMES = 2  # our questions with several answers on the sets' passages

HERE = Path(__file__).parent
OWN_QUESTIONS = HERE / "questions.jsonl.gz"  # over news articles, as offsets
SET_QUESTIONS = HERE / "set_questions.jsonl.gz"  # over passages of the sets, as offsets
OWN_ARTICLES = HERE / "articles.jsonl.gz"  # written by us, with their questions

_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")


@dataclass(frozen=True, slots=True)
class Context:
    """A passage as the reader sees it: `heading` before `text`."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One question with a passage and a second one; spans and evidence are offsets into the first's text."""

    question: str
    positive: Context
    negative: Context
    spans: tuple[tuple[int, int], ...]  # empty: neither passage answers
    evidence: tuple[tuple[int, int], ...]
    learn_spans: bool
    every: bool = False  # the spans are to be found together, otherwise any of them will do


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a gzipped JSON Lines file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def part_of(article: str) -> str:
    """Return which part a news article belongs to: train (80 %), fit (10 %) or report (10 %)."""
    share = _tenth(article)
    return "report" if share == 0 else "fit" if share == 3 else "train"


def trained_on(title: str) -> bool:
    """Tell whether the unanswerable questions of this title are for training; no figure is reported on it."""
    return _tenth(title) < 5


def _tenth(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10


def news_articles(folder: Path) -> dict[str, Article]:
    """Return the articles of the news set by id."""
    return {line["id"]: _article(line) for line in read_lines(folder / "news_articles.jsonl.gz")}


def _article(line: dict[str, Any]) -> Article:
    return Article(
        id=line["id"],
        url=line.get("url"),
        title=(line.get("title") or "").strip(),
        authors=(line["author"],) if line.get("author") else (),
        publisher=line.get("source"),
        published=(line.get("date") or "")[:10] or None,
        updated=None,
        fetched="",
        language="en",
        text=line["text"],
        sha256="",
        source=line["id"],
    )


def own_questions(scale: Path) -> tuple[dict[str, Article], list[dict[str, Any]]]:
    """Return our own questions in the form of the news set's, and the articles of `scale` (xz) that they are over."""
    lines = list(read_lines(OWN_QUESTIONS))
    wanted = {line["article"] for line in lines}
    articles = {}
    with lzma.open(scale, "rt", encoding="utf-8") as rows:
        for row in rows:
            found = json.loads(row)
            if found["id"] in wanted:
                articles[found["id"]] = _article(found)
    questions = []
    for line in lines:
        text = articles[line["article"]].text
        answers = [[text[start:end] for start, end in point] for point in line["points"]]
        evidence = [text[start:end] for start, end in line["evidence"]]
        questions.append({**line, "answers": answers, "evidence": evidence})
    return articles, questions


def own_articles() -> tuple[dict[str, Article], list[dict[str, Any]]]:
    """Return the articles that we wrote, and our questions over them in the form of the news set's."""
    articles, questions = {}, []
    for line in read_lines(OWN_ARTICLES):
        article = _article(line)
        articles[article.id] = article
        spans = [article.text[start:end] for start, end in sentences(article.text)]
        for question in line["questions"]:
            answers = question["points"]
            marked = [s for s in spans if any(alternative in s for point in answers for alternative in point)]
            questions.append({**question, "article": article.id, "answers": answers, "evidence": marked})
    return articles, questions


def set_questions(name: str, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return our own questions over passages of the set `name`, in the form of its `lines`."""
    by_id = {line["id"]: line for line in lines}
    found = []
    for row in read_lines(SET_QUESTIONS):
        if row["set"] == name and row["line"] in by_id:
            line = by_id[row["line"]]
            answers = [{"text": line["context"][start:end], "start": start} for start, end in row["answers"]]
            found.append({**line, "question": row["question"], "answers": answers, "multi": len(answers) > 1})
    return found


def news_examples(folder: Path, scale: Path | None, encoder: Encoder, rng: random.Random) -> list[Example]:
    """Return examples from the news questions for training and our own: each with a fresh pair of passages a time."""
    articles = {key: article for key, article in news_articles(folder).items() if part_of(key) == "train"}
    questions = [q for q in read_lines(folder / "news_questions.jsonl.gz") if q["article"] in articles]
    written, over_written = own_articles()
    for more, own in [(written, over_written), *([own_questions(scale)] if scale else [])]:
        articles, questions = articles | more, questions + own
    passages = [(key, p) for key, article in articles.items() for p in split(article, encoder.count_tokens)]
    of_article = defaultdict(list)
    for number, (key, _) in enumerate(passages):
        of_article[key].append(number)
    vectors = encoder.encode([f"{articles[key].title}\n{p.text}" for key, p in passages])
    asked = encoder.encode([_as_asked(q) for q in questions])
    examples = []
    for question, vector in zip(questions, asked, strict=True):
        key, words = question["article"], _as_asked(question)
        own_numbers = of_article[key]
        evidence = [fold(sentence) for sentence in question["evidence"]]
        order = np.argsort(-(vectors @ vector))[:60]
        mine = sorted(own_numbers, key=lambda n: -float(vectors[n] @ vector))
        holds = {n: [e for e in evidence if e in fold(passages[n][1].text)] for n in own_numbers}
        negatives = [n for n in mine if not holds[n] and not _points_in(question, passages[n][1].text)][:5]
        others = [int(n) for n in order if passages[n][0] != key][:8]

        def context(n: int) -> Context:
            heading = heading_text(articles[passages[n][0]]) if rng.random() < TITLED else ""
            return Context(heading, passages[n][1].text)

        positives = [n for n in mine if holds[n]]
        for time in range(OWN_ARTICLE_TIMES if key in written else NEWS_TIMES):
            pool = negatives * 2 + others if negatives else others
            if not positives or (others and rng.random() < UNANSWERABLE / 2):
                if evidence:
                    pool = others  # its own article may answer
                elif len(negatives) > 1:
                    pool = negatives
                one, other = rng.sample(pool, 2) if len(set(pool)) > 1 else (pool[0], pool[0])
                examples.append(Example(words, context(one), context(other), (), (), True))
                continue
            number = positives[time % len(positives)]
            text = passages[number][1].text
            marked = _evidence(text, holds[number])
            spans = _inside(_points(question, text), marked)
            if marked:
                positive, negative = context(number), context(rng.choice(pool))
                every = len(question["answers"]) > 1
                examples.append(Example(words, positive, negative, spans, marked, bool(spans), every))
    return examples


def _as_asked(question: dict[str, Any]) -> str:
    """Return a question as the reader meets it: a follow-up behind the question before it."""
    return behind(question["history"][-1], question["question"]) if question.get("history") else question["question"]


def _points_in(question: dict[str, Any], text: str) -> bool:
    return any(len(alternative) > 12 and alternative in text for point in question["answers"] for alternative in point)


def _points(question: dict[str, Any], text: str) -> list[tuple[int, int]]:
    """Return the spans of each point in `text`: its first alternative, or the longest of those that occur."""
    spans = []
    for point in question["answers"]:
        for alternative in [point[0], *sorted(point[1:], key=len, reverse=True)]:
            at, found = text.find(alternative), False
            while at >= 0:
                spans.append((at, at + len(alternative)))
                at, found = text.find(alternative, at + 1), True
            if found:
                break
    return spans


def _evidence(text: str, folded: Sequence[str]) -> tuple[tuple[int, int], ...]:
    marked = []
    for start, end in sentences(text):
        sentence = fold(text[start:end])
        if any(sentence in e or e in sentence for e in folded if len(sentence) > 8):
            marked.append((start, end))
    return tuple(marked)


def _inside(spans: Sequence[tuple[int, int]], marked: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the spans that lie in an evidence sentence: elsewhere the words occur without answering."""
    return tuple(sorted({s for s in spans if any(a <= s[0] and s[1] <= b + 1 for a, b in marked)}))


def _sentences_of(text: str, spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the sentences of `text` that hold a part of a span."""
    return tuple((s, e) for s, e in sentences(text) if any(a < e and b > s for a, b in spans))


def set_examples(file: Path, share: float, encoder: Encoder, rng: random.Random) -> list[Example]:
    """Return examples from one question-answering set, about `share` a question, and our own over its passages."""
    name = file.name.removesuffix(".jsonl.gz")
    lines = _joined(list(read_lines(file)))
    taken: list[dict[str, Any]] = []
    for _ in range(int(share)):
        taken += lines
    taken += rng.sample(lines, int(len(lines) * (share % 1)))
    for line in set_questions(name, lines):
        taken += [line] * (SEVERAL_TIMES if line["multi"] else 1)
    windows: dict[Context, int] = {}
    wanted: list[tuple[dict[str, Any], int, tuple[tuple[int, int], ...]]] = []
    cut: dict[str, list[tuple[int, int]]] = {}
    for line in taken:
        context = line["context"]
        if context not in cut:
            article = Article("", None, "", (), None, None, None, "", None, context, "")
            cut[context] = [(p.start, p.end) for p in split(article, encoder.count_tokens, MAX_TOKENS)]
        title = line["title"].replace("_", " ")
        heading = "" if title.startswith(("Amazon Rev", "Filtered Red")) else title
        spots = [(a["start"], a["start"] + len(a["text"])) for a in line["answers"]]
        choices = []
        for start, end in cut[context]:
            inside = tuple((a - start, b - start) for a, b in spots if start <= a and b <= end)
            number = windows.setdefault(Context(heading, context[start:end]), len(windows))
            if inside or not spots:
                choices.append((number, inside))
        if choices:
            number, inside = rng.choice(choices)
            wanted.append((line, number, inside))
    contexts = list(windows)
    vectors = encoder.encode([c.text for c in contexts])
    asked = encoder.encode([line["question"] for line, _, _ in wanted])
    examples = []
    for begin in range(0, len(wanted), 512):
        scores = asked[begin : begin + 512] @ vectors.T
        near = np.argpartition(-scores, min(12, scores.shape[1] - 1), axis=1)[:, :12]
        for (line, number, inside), candidates in zip(wanted[begin : begin + 512], near, strict=True):
            answers = {fold(a["text"]) for a in line["answers"]}
            free = [
                int(n)
                for n in candidates
                if n != number and not any(answer in fold(contexts[n].text) for answer in answers if answer)
            ]
            free = free or [rng.randrange(len(contexts))]
            negative, positive = contexts[rng.choice(free)], contexts[number]
            if inside and len(free) > 1 and rng.random() < UNANSWERABLE / 2:
                positive, inside = contexts[rng.choice(free)], ()
            if rng.random() >= TITLED:
                positive, negative = Context("", positive.text), Context("", negative.text)
            marked = _sentences_of(positive.text, inside)
            learn = name not in WHOLE_SENTENCES or not inside
            every = bool(line.get("multi")) and len(inside) > 1
            examples.append(Example(line["question"], positive, negative, inside, marked, learn, every))
    return examples


def unanswerable_examples(file: Path, encoder: Encoder, rng: random.Random) -> list[Example]:
    """Return an example for each unanswerable question over a title for training: its passage, and one near it.

    Our own questions over the same passages come with them, answered: otherwise a title would give it away.
    """
    lines = [line for line in read_lines(file) if trained_on(line["title"])]
    lines = [line for line in lines if not line["answers"]] + set_questions(file.name.removesuffix(".jsonl.gz"), lines)
    contexts = list(dict.fromkeys(Context(line["title"].replace("_", " "), line["context"]) for line in lines))
    vectors = encoder.encode([c.text for c in contexts])
    asked = encoder.encode([line["question"] for line in lines])
    examples = []
    for line, vector in zip(lines, asked, strict=True):
        near = [contexts[int(n)] for n in np.argsort(-(vectors @ vector))[:8]]
        own = Context(line["title"].replace("_", " "), line["context"])
        other = rng.choice([c for c in near if c != own])
        if rng.random() >= TITLED:
            own, other = Context("", own.text), Context("", other.text)
        spans = tuple((a["start"], a["start"] + len(a["text"])) for a in line["answers"])
        examples.append(Example(line["question"], own, other, spans, _sentences_of(own.text, spans), True))
    return examples


def with_follow_ups(examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """Return the examples, some of their questions behind another one on the same text, as a follow-up is read.

    A name that both questions hold becomes a pronoun in the second, for one in two: who is meant is then said only in
    the first. What answers the first question does not answer the second, unless it is marked for it too.
    """

    def subject(example: Example) -> str:
        return example.positive.heading or example.positive.text

    asked = defaultdict(list)
    for example in examples:
        if example.evidence:
            asked[subject(example)].append(example.question)
    found = []
    for example in examples:
        others = [q for q in asked[subject(example)] if q != example.question] if rng.random() < FOLLOW_UPS else []
        if others:
            earlier = rng.choice(others)
            question = _with_pronoun(example.question, earlier, rng) if rng.random() < 0.5 else example.question
            example = replace(example, question=behind(earlier, question))
        found.append(example)
    return found


def _with_pronoun(question: str, earlier: str, rng: random.Random) -> str:
    shared = [name for name in _NAME.findall(question)[:3] if name.removesuffix("'s").removesuffix("’s") in earlier]
    if not shared:
        return question
    name = max(shared, key=len)
    pronoun = rng.choice(("they", "he", "she", "it"))
    owner = {"they": "their", "he": "his", "she": "her", "it": "its"}[pronoun]
    return question.replace(name, owner if name.endswith(("'s", "’s")) else pronoun, 1)


def _joined(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give questions on single sentences a passage: the sentences of the same document, in order."""
    if not lines or not lines[0]["id"].startswith(("qamr:", "qadisc:")):
        return lines
    documents: dict[str, dict[str, int]] = defaultdict(dict)
    for line in lines:
        documents[":".join(line["id"].split(":")[1:4])].setdefault(line["context"], 0)
    where: dict[tuple[str, str], tuple[str, int]] = {}
    for key, found in documents.items():
        group: list[str] = []
        for context in [*found, None]:
            if context is None or sum(len(c) for c in group) + len(context) > 700:
                text, at = " ".join(group), 0
                for c in group:
                    where[key, c] = (text, at)
                    at += len(c) + 1
                group = []
            if context is not None:
                group.append(context)
    out = []
    for line in lines:
        text, at = where[":".join(line["id"].split(":")[1:4]), line["context"]]
        answers = [{"text": a["text"], "start": a["start"] + at} for a in line["answers"]]
        out.append({**line, "context": text, "answers": answers})
    return out
