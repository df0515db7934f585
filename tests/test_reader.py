"""The reader: offsets, windows, batches, models of other people; with the weights that ship."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertForQuestionAnswering, BertModel, BertTokenizerFast

from qa.encoder import bundled_folder
from qa.errors import ReaderError
from qa.passages import split
from qa.reader.calibration import Calibration
from qa.reader.model import MOST_SPANS, WEIGHTS, Inputs, Reader, best_spans, load_bundled
from qa.records import Article, Hit, Passage
from qa.settings import Settings
from qa.text import sentences

TEXT = (
    "The ferry to Little Kestrel left harbour at noon on Tuesday. Captain Ida Moss said the engine had been noisy for "
    "weeks. Nobody was hurt.\n\nThe council will pay £4.2 million for two new boats. Zoë Lund 😀 called it “too late”."
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return Reader.load(Settings.load(tmp_path_factory.mktemp("home")))


def article(text=TEXT, **given):
    values = {
        "id": "a",
        "url": None,
        "title": "Ferry trouble",
        "authors": (),
        "publisher": None,
        "published": "2025-01-02",
    }
    return Article(**values | {"updated": None, "fetched": "", "language": "en", "text": text, "sha256": ""} | given)


def hit(text=TEXT, start=0):
    return Hit(Passage("a", 1, start, start + len(text), text), 1.0)


def best(read):
    return max((s for passage in read for s in passage), key=lambda s: s.span.score).span


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Where did the ferry go?", "Little Kestrel"),
        ("how much will the council pay for the boats", "£4.2 million"),
        ("Who is the captain?", "Ida Moss"),
    ],
)
def test_the_shipped_reader_finds_the_words(reader, question, words):
    found = best(reader.read(question, [hit()], {("a", 1): article()})).text
    assert words in found and len(found) < len(words) + 25


def test_a_passage_without_an_answer_scores_below_one_with_it(reader):
    other = hit("The museum opened a new wing. Its roof is made of glass, and the garden is free.", 1000)
    asked = reader.read("How much will the council pay for the boats?", [other, hit()])
    assert best(asked[:1]).score < best(asked[1:]).score
    assert max(s.evidence for s in asked[0]) < max(s.evidence for s in asked[1])


def test_every_sentence_is_scored_with_exact_offsets(reader):
    article_text = "Before it. " + TEXT
    read = reader.read("When did the ferry leave?", [hit(TEXT, 11)])[0]
    assert [(s.start, s.end) for s in read] == [(11 + a, 11 + b) for a, b in sentences(TEXT)]
    for sentence in read:
        span = sentence.span
        assert sentence.start <= span.start < span.end <= sentence.end
        assert span.text == article_text[span.start : span.end]


def test_batching_changes_neither_spans_nor_scores(reader):
    texts = [TEXT, TEXT[:61], "The council met on Monday. It adjourned.", TEXT + " " + TEXT, "Short one."]
    together = reader.read("When did the ferry leave?", [hit(text) for text in texts])
    for text, read in zip(texts, together, strict=True):
        [alone] = reader.read("When did the ferry leave?", [hit(text)])
        assert [(s.span.start, s.span.end) for s in alone] == [(s.span.start, s.span.end) for s in read]
        assert [s.span.score for s in alone] == pytest.approx([s.span.score for s in read], abs=1e-3)
        assert [s.evidence for s in alone] == pytest.approx([s.evidence for s in read], abs=1e-3)


def test_a_passage_longer_than_the_model_is_read_to_its_end(reader):
    long = "The weather was mild and the harbour calm. " * 60 + "The treasurer of the club is Petra Quist."
    found = best(reader.read("Who is the treasurer of the club?", [hit(long)]))
    assert found.text == "Petra Quist"
    read = reader.read("Who is the treasurer of the club?", [hit(long)])[0]
    assert len(read) == len(sentences(long))


def test_threads_share_a_reader(reader):
    questions = ["When did the ferry leave?", "Who is the captain?", "How much will the council pay?"] * 4
    alone = [best(reader.read(q, [hit()])) for q in questions]
    results: dict[int, object] = {}

    def ask(number):
        results[number] = best(reader.read(questions[number], [hit()]))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(results[n].start, results[n].end) for n in range(len(questions))] == [(s.start, s.end) for s in alone]


ODD = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("  .\n“”’אبé😀\u200f\u0301")),
    min_size=1,
    max_size=200,
)


@settings(max_examples=40, deadline=None)
@given(ODD, st.text(max_size=60))
def test_spans_of_any_text_are_exact_slices(reader, text, question):
    for sentence in reader.read(question, [hit(text, 7)])[0]:
        span = sentence.span
        assert 7 <= sentence.start <= span.start < span.end <= sentence.end <= 7 + len(text)
        assert span.text == text[span.start - 7 : span.end - 7]


@settings(max_examples=40, deadline=None)
@given(st.integers(60, 200), st.integers(1, 400))
def test_windows_cover_every_token(size, words):
    from transformers import AutoTokenizer

    inputs = Inputs(_tokenizer or AutoTokenizer.from_pretrained(bundled_folder()), size)
    text = " ".join(f"w{n}" for n in range(words))
    windows = inputs.windows("What is it?", [("A title", text)])
    seen = {n for w in windows for o in w.offsets if o for n in range(*o)}
    assert all(n in seen for n in range(len(text)) if text[n] != " ")
    if size >= 210:
        assert all(len(w.ids) <= size for w in windows)


_tokenizer = None


@pytest.fixture
def tiny(tmp_path):
    """A question-answering model of another make: untrained, small, saved to a folder."""
    words = sorted({w for w in "the ferry left at noon who is captain moss ida what when said".split()})
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words) + 5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    folder = tmp_path / "tiny"
    BertForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    bare = tmp_path / "bare"
    BertModel(config).save_pretrained(bare)
    tokenizer.save_pretrained(bare)
    return folder, bare


def test_any_question_answering_model_can_be_named(tiny, tmp_path):
    other = Reader.load(Settings.load(tmp_path / "home", reader=str(tiny[0])))
    [read] = other.read("who is the captain", [hit("the captain is ida moss. the ferry left at noon.")])
    assert [s.span.passage.text[s.start : s.end] for s in read] == [
        "the captain is ida moss.",
        "the ferry left at noon.",
    ]
    assert all(s.evidence is None and s.start <= s.span.start < s.span.end <= s.end for s in read)


def test_a_model_that_cannot_answer_is_refused(tiny, tmp_path):
    with pytest.raises(ReaderError, match="not trained for question answering"):
        Reader.load(Settings.load(tmp_path / "home", reader=str(tiny[1])))
    with pytest.raises(ReaderError, match="no-such-model"):
        Reader.load(Settings.load(tmp_path / "home", reader=str(tmp_path / "no-such-model")))


def test_damaged_weights_are_named(tmp_path):
    (tmp_path / "reader.safetensors").write_bytes(b"not weights")
    with pytest.raises(ReaderError, match=r"reader\.safetensors"):
        load_bundled(tmp_path)
    with pytest.raises(ReaderError, match=r"config\.json"):
        Calibration.read(tmp_path / "config.json")


def test_what_ships_is_small_and_has_no_embeddings():
    from safetensors import safe_open

    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 30e6
    with safe_open(WEIGHTS / "reader.safetensors", "pt") as file:
        assert not any(".embeddings." in name for name in file.keys())  # noqa: SIM118
    assert (WEIGHTS / "README.md").is_file()


def test_calibration_goes_to_a_file_and_back(tmp_path):
    Calibration(evidence=0.5, found=0.25).write(tmp_path / "config.json", fitted_on="nothing")
    assert Calibration.read(tmp_path / "config.json") == Calibration(evidence=0.5, found=0.25)
    assert Calibration().answer_probability(None) == 0.0


def test_real_passages_fit_one_window(reader):
    from qa.encoder import Encoder

    text = " ".join(f"Sentence number {n} says something about the harbour of Aldermouth." for n in range(60))
    passages = split(article(text), Encoder().count_tokens)
    windows = reader._inputs.windows("What is it " * 8, [("T" * 150, p.text) for p in passages])
    assert len(windows) == len(passages)


def test_a_span_is_cut_where_an_answer_might_as_well_end():
    start, end = np.full(9, -5.0), np.full(9, -5.0)  # tea , milk , and honey . it rained
    start[[0, 2, 5]] = 4.0, 3.5, 3.2
    end[[0, 2, 5]] = 3.6, 3.4, 4.0
    found = best_spans(start, end, null=0.0)
    assert [(first, last) for _, first, last in found] == [(0, 0), (5, 5), (2, 2)]
    assert [logit for logit, _, _ in found] == pytest.approx([7.6, 7.2, 6.9])
    end[[0, 2]] = -1.0  # one answer: nothing inside it ends as well
    assert [(first, last) for _, first, last in best_spans(start, end, null=0.0)] == [(0, 5)]


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=30))
def test_spans_of_a_sentence_never_overlap(logits):
    start, end = (np.array(column) for column in zip(*logits, strict=True))
    found = best_spans(start, end, null=0.0)
    assert 1 <= len(found) <= MOST_SPANS
    covered = [token for _, first, last in found for token in range(first, last + 1)]
    assert len(covered) == len(set(covered)) and all(first <= last for _, first, last in found)
    assert all(logit == pytest.approx(start[first] + end[last]) for logit, first, last in found)
