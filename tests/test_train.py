"""Training: what a batch's loss pays for, and a run that is stopped and goes on."""

import gzip
import json
import lzma
import os
import random
import re
from dataclasses import replace

import pytest
import torch

from qa.encoder import Encoder
from qa.reader import attention, data, model, train


def write(folder, name, lines):
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def sets(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, "nothing", [])
    for name in ("OWN_ARTICLES", "SET_QUESTIONS"):
        monkeypatch.setattr(data, name, folder / "nothing.jsonl.gz")
    people = "Ada Bo Cem Dov Eva Finn Gus Hal Ida Jon Kit Lea Moe Nia Oda Pia".split()
    lines = []
    for number, name in enumerate(people):
        context = f"The mill stood empty. {name} bought it in 19{number + 10}. Nobody asked why."
        answer = {"text": name, "start": context.index(name)}
        lines.append(
            {"id": str(number), "title": "Mill", "context": context, "question": "Who bought it?", "answers": [answer]}
        )
    write(folder, "squad_v1.1_train_part", lines)
    texts = {
        f"n{k}": f"Storm {k} hit the coast. Mayor {p} shut the port. Boats stayed in." for k, p in enumerate(people)
    }
    write(
        folder,
        "news_articles",
        [{"id": k, "title": f"Storm {k}", "date": "2024-01-02", "text": t} for k, t in texts.items()],
    )
    questions = [
        {
            "id": f"q{k}", "type": "factoid", "question": f"Who shut the port in storm {k[1:]}?", "article": k,
            "answers": [[t.split("Mayor ")[1].split()[0]]], "evidence": [t.split(". ")[1] + "."],
        }
        for k, t in texts.items()
    ]  # fmt: skip
    write(folder, "news_questions", questions)
    return folder


def test_examples_hold_their_answers_and_no_reported_article(sets):
    examples = train.examples_from(sets, None, None, 1)
    reported = [f"Storm {k} hit" for k in range(16) if data.part_of(f"n{k}") != "train"]
    assert reported and not any(r in e.positive.text + e.negative.text for e in examples for r in reported)
    marked = [e for e in examples if e.spans]
    assert len(marked) > 20
    for example in marked:
        for start, end in example.spans:
            assert example.positive.text[start:end] in example.positive.text and end - start >= 2
            assert any(a <= start and end <= b for a, b in example.evidence)
        if "Mill" not in example.positive.heading and "mill" not in example.positive.text:
            assert example.positive.text != example.negative.text


def example(spans=((4, 7),), evidence=((0, 12),)):
    return data.Example(
        "Who?", data.Context("", "The Ann won. It rained."), data.Context("", "The sea. A dog."), spans, evidence, True
    )


def test_some_questions_are_asked_as_follow_ups_of_another_on_the_same_text():
    here, other = data.Context("Storm", "Mayor Ada Mill shut it. Boats stayed."), data.Context("Sea", "It is wet.")
    questions = [f"What did Ada Mill shut at {n}?" for n in range(200)]
    examples = [data.Example(q, here, other, (), ((0, 23),), False) for q in questions]
    examples += [
        data.Example(f"Alone {n}?", data.Context("", f"T{n}"), other, (), ((0, 2),), False) for n in range(200)
    ]
    found = data.with_follow_ups(examples, random.Random(3))
    changed = [(old, new) for old, new in zip(examples, found, strict=True) if old != new]
    assert 10 < len(changed) < 50 and not any("Alone" in new.question for _, new in changed)
    pronouns = 0
    for old, new in changed:
        earlier, asked = new.question.split("? ", 1)
        assert f"{earlier}?" in questions and f"{earlier}?" != old.question
        pronouns += asked != old.question
        for pronoun in ("they", "he", "she", "it"):
            asked = asked.replace(f"did {pronoun} shut", "did Ada Mill shut")
        assert asked == old.question and new.evidence == old.evidence
    assert 0 < pronouns < len(changed)


def test_the_loss_falls_when_the_marked_words_win():
    network, tokenizer = model.new_network()
    inputs = model.Inputs(tokenizer)
    start, end = train.targets(inputs.windows("Who?", [("", "The Ann won. It rained.")])[0], [(4, 7)], 24)
    assert start.nonzero().tolist() == end.nonzero().tolist() == [[5]]  # [CLS] who ? [SEP] the ann
    batch = [example(), example((), ())]
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 3e-4)
    losses = []
    for _ in range(12):
        loss, _ = train.loss_of(network, inputs, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2
    assert all(p.grad is None for p in network.base.base_model.embeddings.parameters())


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_attention_end_to_end_is_the_usual_one_passage_by_passage(precision):
    lengths, heads, size = [7, 32, 40, 33], 3, 8
    torch.manual_seed(0)
    given = [torch.randn(1, heads, sum(lengths), size, dtype=precision).requires_grad_() for _ in range(3)]
    weight = torch.randn(1, sum(lengths), heads, size, dtype=precision)
    together, _ = attention._forward(None, *given, None, groups=attention.groups_of(lengths))
    mine = torch.autograd.grad((together * weight).sum(), given)
    parts = zip(*(tensor.split(lengths, 2) for tensor in given), strict=True)
    plain = torch.nn.functional.scaled_dot_product_attention
    usual = torch.cat([plain(q, k, v) for q, k, v in parts], 2).transpose(1, 2)
    theirs = torch.autograd.grad((usual * weight).sum(), given)
    near = 1e-5 if precision == torch.float32 else 0.05
    for one, other in zip((together, *mine), (usual, *theirs), strict=True):
        assert torch.allclose(one.float(), other.float(), atol=near)


def test_the_unanswerable_questions_of_half_the_titles_are_used(tmp_path):
    file = tmp_path / "squad_v2.0_dev.jsonl.gz"
    titles = [f"Title_{n}" for n in range(12)]
    lines = [
        {"id": f"{title}-{k}", "title": title, "context": f"The {title} {k} is tall. It stands.", "source": "",
         "question": f"Who built {title} {k}?", "answers": [{"text": "tall", "start": 0}] if k == 2 else []}
        for title in titles for k in range(3)
    ]  # fmt: skip
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    examples = data.unanswerable_examples(file, Encoder(), random.Random(1))
    used = {title for title in titles if data.trained_on(title)}
    assert 2 <= len(used) <= 10 and len(examples) == 2 * len(used)
    for example in examples:
        title = example.question.removeprefix("Who built ").rsplit(" ", 1)[0]
        assert title in used and title in example.positive.text
        assert not example.spans and not example.evidence and example.positive != example.negative


def test_a_stopped_run_goes_on_where_it_was(sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "CHECKPOINT_STEPS", 1)
    out = tmp_path / "out"
    assert train.main(["--data", str(sets), "--out", str(out), "--steps", "1"]) == 0
    assert train.main(["--data", str(sets), "--out", str(out), "--steps", "2"]) == 0
    assert "resuming at step 1" in capsys.readouterr().out
    assert json.loads((out / "training.json").read_text())["steps"] == 2
    network, _ = model.load_bundled(out)
    assert isinstance(network, model.ReaderNetwork)
    later = tmp_path / "later"
    options = ["--data", str(sets), "--out", str(later), "--steps", "1", "--rate", "1e-9", "--start", str(out)]
    assert train.main(options) == 0
    start, end = model.load_bundled(out)[0].state_dict(), model.load_bundled(later)[0].state_dict()
    assert all(torch.equal(start[name], end[name]) for name in start)
    moved = tmp_path / "moved"
    options = ["--data", str(sets), "--out", str(moved), "--steps", "3", "--start", str(out)]
    assert train.main([*options, "--keep", "1"]) == 0
    kept = model.load_bundled(moved)[0].state_dict()
    assert all(torch.equal(start[name], kept[name]) for name in start)
    assert train.main([*options, "--keep", "0.5"]) == 0  # from the checkpoint of its last step: only mixed anew
    assert any(not torch.equal(start[name], t) for name, t in model.load_bundled(moved)[0].state_dict().items())
    other = tmp_path / "other"
    assert train.main(["--data", str(sets), "--out", str(other), "--steps", "1", "--seed", "5"]) == 0
    assert train.main([*options, "--keep", "1", "--average", str(other)]) == 0
    third, kept = model.load_bundled(other)[0].state_dict(), model.load_bundled(moved)[0].state_dict()
    assert all(torch.equal(third[name], kept[name]) for name in third)
    assert any(not torch.equal(third[name], start[name]) for name in third)
    assert not [name for name in os.listdir(out) if name.endswith(".part")]


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    assert train.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_our_own_questions_become_examples_of_their_articles(sets, tmp_path, monkeypatch):
    text = "The plan has two parts.\n\nMs Roe wants a cap on rents. She also wants 9,000 homes.\n\nIt rained."
    spots = [(text.index(part), text.index(part) + len(part)) for part in ("a cap on rents", "9,000 homes")]
    told = [
        (text.index(part), text.index(part) + len(part))
        for part in ("Ms Roe wants a cap on rents.", "She also wants 9,000 homes.")
    ]
    line = {
        "id": "own-1", "article": "s1", "type": "list", "question": "What does she want?",
        "history": ["Who is Ms Roe?"], "points": [[spot] for spot in spots], "evidence": told,
    }  # fmt: skip
    with gzip.open(tmp_path / "questions.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    scale = tmp_path / "scale.jsonl.xz"
    with lzma.open(scale, "wt", encoding="utf-8") as file:
        for key in ("s0", "s1"):
            file.write(json.dumps({"id": key, "title": "Rents", "date": "2019-05-06", "text": text}) + "\n")
    monkeypatch.setattr(data, "OWN_QUESTIONS", tmp_path / "questions.jsonl.gz")
    examples = data.news_examples(sets, scale, Encoder(), random.Random(1))
    mine = [e for e in examples if e.question == "Who is Ms Roe? What does she want?" and e.spans]
    assert mine and all(e.every for e in mine)
    for one in mine:
        assert [one.positive.text[a:b] for a, b in one.spans] == ["a cap on rents", "9,000 homes"]
        assert [one.positive.text[a:b] for a, b in one.evidence] == [text[a:b] for a, b in told]
    assert not any(e.every for e in examples if e.question.startswith("Who shut the port"))


def test_the_shipped_questions_are_offsets_and_nothing_of_a_text():
    lines = list(data.read_lines(data.OWN_QUESTIONS))
    assert len(lines) > 1000 and len({line["id"] for line in lines}) == len(lines)
    for line in lines:
        assert set(line) <= {"id", "article", "type", "question", "history", "points", "evidence"}
        assert bool(line["evidence"]) == bool(line["points"]) == (line["type"] != "unanswerable")
        for spot in (spot for point in line["points"] for spot in point):
            assert any(a <= spot[0] < spot[1] <= b for a, b in line["evidence"])


def test_the_shipped_questions_on_the_sets_are_offsets_too():
    lines = list(data.read_lines(data.SET_QUESTIONS))
    assert len(lines) > 5000 and len({(row["set"], row["line"], row["question"]) for row in lines}) == len(lines)
    kinds = {min(len(row["answers"]), 2) for row in lines}
    assert kinds == {0, 1, 2}
    for row in lines:
        assert set(row) == {"set", "line", "question", "answers"}
        assert all(0 <= start < end for start, end in row["answers"])


def test_the_articles_we_wrote_hold_every_answer_of_their_questions():
    articles, questions = data.own_articles()
    assert len(articles) > 50 and len(questions) > 5 * len(articles)
    for question in questions:
        text = articles[question["article"]].text
        assert all(sentence in text for sentence in question["evidence"])
        assert bool(question["evidence"]) == (question["type"] != "unanswerable")
        for point in question["answers"]:
            assert all(any(alternative in s for s in question["evidence"]) for alternative in point)


def write_set_questions(tmp_path, monkeypatch, *rows):
    with gzip.open(tmp_path / "set_questions.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    monkeypatch.setattr(data, "SET_QUESTIONS", tmp_path / "set_questions.jsonl.gz")


def test_our_questions_on_a_set_s_passages_become_examples(sets, tmp_path, monkeypatch):
    file = sets / "squad_v1.1_train_part.jsonl.gz"
    line = next(iter(data.read_lines(file)))
    first, second = (m.span() for m in list(re.finditer(r"\w+", line["context"]))[:2])
    rows = [
        {"set": "squad_v1.1_train_part", "line": line["id"], "question": "Which two?", "answers": [first, second]},
        {"set": "squad_v1.1_train_part", "line": line["id"], "question": "Which never?", "answers": []},
        {"set": "another", "line": line["id"], "question": "Whose?", "answers": []},
    ]
    write_set_questions(tmp_path, monkeypatch, *rows)
    monkeypatch.setattr(data, "UNANSWERABLE", 0.0)
    examples = data.set_examples(file, 0.0, Encoder(), random.Random(1))
    assert sorted(e.question for e in examples) == ["Which never?", "Which two?", "Which two?"]
    for example in examples:
        assert example.positive.text == line["context"]
        assert example.spans == ((first, second) if example.question == "Which two?" else ())
        assert example.every == bool(example.spans) == bool(example.evidence)


def test_titles_for_training_bring_our_answered_questions_with_them(sets, tmp_path, monkeypatch):
    title = next(t for t in ("A", "B", "C", "D", "E", "F", "G", "H") if data.trained_on(t))
    context = "The mill at Arden closed in 1891. Its owner went to sea."
    lines = [
        {"id": f"q{n}", "title": title, "context": context + " " * n, "question": f"Why {n}?", "answers": []}
        for n in range(3)
    ]
    with gzip.open(tmp_path / "v2.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    at = context.index("1891")
    row = {"set": "v2", "line": "q1", "question": "When did it close?", "answers": [[at, at + 4]]}
    write_set_questions(tmp_path, monkeypatch, row)
    examples = data.unanswerable_examples(tmp_path / "v2.jsonl.gz", Encoder(), random.Random(1))
    assert len(examples) == 4
    (answered,) = [e for e in examples if e.spans]
    assert answered.question == "When did it close?" and answered.positive.text[at : at + 4] == "1891"
    assert [answered.positive.text[a:b] for a, b in answered.evidence] == ["The mill at Arden closed in 1891."]


def test_points_that_belong_together_are_each_paid_for():
    network, tokenizer = model.new_network()
    inputs = model.Inputs(tokenizer)
    two = ((4, 7), (13, 15))
    torch.manual_seed(0)
    either, _ = train.loss_of(network, inputs, [example(two)])
    each, _ = train.loss_of(network, inputs, [replace(example(two), every=True)])
    assert float(each.detach()) > float(either.detach()) + 0.5  # the mean of two likelihoods is below that of either
    one, same = (train.loss_of(network, inputs, [replace(example(), every=flag)])[0] for flag in (False, True))
    assert float(one.detach()) == pytest.approx(float(same.detach()), abs=1e-3)
