"""Training: what a batch's loss pays for, and a run that is stopped and goes on."""

import gzip
import json
import os

import pytest
import torch

from qa.reader import data, model, train


def write(folder, name, lines):
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def sets(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
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
    examples = train.examples_from(sets, 1)
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


def test_attention_for_training_has_the_gradients_of_the_usual_one():
    from qa.reader import attention

    losses, gradients = [], []
    for name in ("sdpa", attention.register()):
        torch.manual_seed(0)
        network, tokenizer = model.new_network(name)
        loss, _ = train.loss_of(network, model.Inputs(tokenizer), [example(), example((), ())])
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(network.base.base_model.encoder.layer[2].attention.self.value.weight.grad)
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert torch.nn.functional.cosine_similarity(*(g.flatten() for g in gradients), dim=0) > 0.99


def test_a_stopped_run_goes_on_where_it_was(sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "CHECKPOINT_STEPS", 1)
    out = tmp_path / "out"
    assert train.main(["--data", str(sets), "--out", str(out), "--steps", "1"]) == 0
    assert train.main(["--data", str(sets), "--out", str(out), "--steps", "2"]) == 0
    assert "resuming at step 1" in capsys.readouterr().out
    assert json.loads((out / "training.json").read_text())["steps"] == 2
    network, _ = model.load_bundled(out)
    assert isinstance(network, model.ReaderNetwork)
    assert not [name for name in os.listdir(out) if name.endswith(".part")]


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    assert train.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    assert "no such folder" in capsys.readouterr().err
