"""Who says a sentence."""

import pytest

from qa.speaker import speaker_of


@pytest.mark.parametrize(
    ("text", "sentence", "speaker"),
    [
        (
            "“It is late,” said Samuel Charap, an expert.",
            "“It is late,” said Samuel Charap, an expert.",
            "Samuel Charap",
        ),
        ("Maria Lopez said that the bridge will close.", "Maria Lopez said that the bridge will close.", "Maria Lopez"),
        (
            "Anna Berg, who runs the mill, said prices rose. “We cannot pay,” she said.",
            "“We cannot pay,” she said.",
            "Anna Berg",
        ),
        ("“First,” Mr. Trump said. “Then we go home.”", "“Then we go home.”", "Mr. Trump"),
        (
            "What Mayor Ada Mill says is a rest would close it. That row over “fair tolls” goes on in the town.",
            "That row over “fair tolls” goes on in the town.",
            None,
        ),
        ("“We wait. It is dull,” Al Cox said.", "It is dull,” Al Cox said.", "Al Cox"),
        ("Al Cox said no. “Not now.” It rained.", "“Not now.”", "Al Cox"),
        ("The bridge will close on Monday.", "The bridge will close on Monday.", None),
        ("Officials said the bridge will close.", "Officials said the bridge will close.", None),
        ("According to Nils de Vries, it rained.", "According to Nils de Vries, it rained.", "Nils de Vries"),
        ("He said Putin must stop the war.", "He said Putin must stop the war.", None),
        ("A spokesman told Reuters the talks had failed.", "A spokesman told Reuters the talks had failed.", None),
        ("“I never took a penny,” he told Judge Brown.", "“I never took a penny,” he told Judge Brown.", None),
        ("The ministry said Norway would pay for it.", "The ministry said Norway would pay for it.", None),
        ("“We wait,” said Al Cox on Monday.", "“We wait,” said Al Cox on Monday.", "Al Cox"),
        ("Jo Ray spoke first, and Al Cox said no.\n\nThe sea is cold.", "The sea is cold.", None),
    ],
)
def test_speaker(text, sentence, speaker):
    start = text.index(sentence)
    assert speaker_of(text, start, start + len(sentence)) == speaker
