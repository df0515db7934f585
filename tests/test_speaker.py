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
        ("Ten Hag said no.", "Ten Hag said no.", "Ten Hag"),
        ("Two Rivers Trust said no.", "Two Rivers Trust said no.", "Two Rivers Trust"),
        ("Two Senate Democrats said no.", "Two Senate Democrats said no.", None),
        ("Reporters Without Borders said no.", "Reporters Without Borders said no.", "Reporters Without Borders"),
        ("Reporters said no.", "Reporters said no.", None),
        ("The bridge will close on Monday.", "The bridge will close on Monday.", None),
        ("Officials said the bridge will close.", "Officials said the bridge will close.", None),
        ("According to Nils de Vries, it rained.", "According to Nils de Vries, it rained.", "Nils de Vries"),
        ("He said Putin must stop the war.", "He said Putin must stop the war.", None),
        ("A spokesman told Reuters the talks had failed.", "A spokesman told Reuters the talks had failed.", None),
        ("“I never took a penny,” he told Judge Brown.", "“I never took a penny,” he told Judge Brown.", None),
        ("The ministry said Norway would pay for it.", "The ministry said Norway would pay for it.", None),
        ("“We wait,” said Al Cox on Monday.", "“We wait,” said Al Cox on Monday.", "Al Cox"),
        ("Jo Ray spoke first, and Al Cox said no.\n\nThe sea is cold.", "The sea is cold.", None),
        ("Member states still need to agree.", "Member states still need to agree.", None),
        ("Delta posted maps. “It is a map,” Al Cox said.", "Delta posted maps.", None),
        ("Ada Mill said no. The memo said “the risk is high.”", "The memo said “the risk is high.”", None),
        (
            "Ada Mill said no. “It may close in a year or so,” said a spokesman.",
            "“It may close in a year or so,” said a spokesman.",
            None,
        ),
        (
            "Outlets like Gazette News, which will grow, lose money, according to Al Cox.",
            "Outlets like Gazette News, which will grow, lose money, according to Al Cox.",
            "Al Cox",
        ),
        (
            "Ann Lee, a teacher at Rocklin School in Rocklin, California, said she was glad.",
            "Ann Lee, a teacher at Rocklin School in Rocklin, California, said she was glad.",
            "Ann Lee",
        ),
        ("Sen. Jo Ray (D-Mich.) said it rained.", "Sen. Jo Ray (D-Mich.) said it rained.", "Sen. Jo Ray"),
        ("His lawyer, Al Cox, said it rained.", "His lawyer, Al Cox, said it rained.", "Al Cox"),
        ("On Monday Ada Mill said no.", "On Monday Ada Mill said no.", "Ada Mill"),
        ("When Kaine asked why, Pence replied, “No.”", "When Kaine asked why, Pence replied, “No.”", "Pence"),
        ("Obama's claims about it were wrong.", "Obama's claims about it were wrong.", None),
        ("“We wait,” said Al Cox. “It may rain all day.” Jo Ray said no.", "“It may rain all day.”", "Al Cox"),
        (
            'Al Cox said no.\n\n"It is late, and we go.\n\n"It is dark," Jo Ray said.\n\nShe added that it rained.',
            "She added that it rained.",
            "Jo Ray",
        ),
        (
            "Al Cox said no.\n\nAnn Lee, head of the school, disagreed.\n\n“It is late,” she said.",
            "“It is late,” she said.",
            "Ann Lee",
        ),
        ("“It is late,” said Fergal Ó Murchú.", "“It is late,” said Fergal Ó Murchú.", "Fergal Ó Murchú"),
        ("Élodie Karpinski says it is late.", "Élodie Karpinski says it is late.", "Élodie Karpinski"),
        ("“It is late,” said Lotte van der Steeg.", "“It is late,” said Lotte van der Steeg.", "Lotte van der Steeg"),
        ("Harrow & Wick said no.", "Harrow & Wick said no.", "Harrow & Wick"),
        ("Jo Ray at brokerage Lorne & Wick said no.", "Jo Ray at brokerage Lorne & Wick said no.", "Jo Ray"),
        ("Jo Ray of the Oslo Institute said no.", "Jo Ray of the Oslo Institute said no.", "Jo Ray"),
        ("A brewery in Albury has asked for more.", "A brewery in Albury has asked for more.", None),
        ("A source close to Ann Montrose told us so.", "A source close to Ann Montrose told us so.", None),
        ("A director in Leeds, Al Cox, has said no.", "A director in Leeds, Al Cox, has said no.", "Al Cox"),
        (
            "Al Cox, of the University of Leeds, who has read it, said no.",
            "Al Cox, of the University of Leeds, who has read it, said no.",
            "Al Cox",
        ),
        ("At the sit-in Al Cox, 66, said no.", "At the sit-in Al Cox, 66, said no.", "Al Cox"),
        (
            "“We wait,” his lawyer, Al Cox, began, before Justice Teller asked why.",
            "“We wait,” his lawyer, Al Cox, began, before Justice Teller asked why.",
            "Al Cox",
        ),
        (
            "No buyer cares what Teagasc says it costs, according to Al Cox.",
            "No buyer cares what Teagasc says it costs, according to Al Cox.",
            "Al Cox",
        ),
        (
            "The commissioner, Al Cox, said Ghana and Togo were late.",
            "The commissioner, Al Cox, said Ghana and Togo were late.",
            "Al Cox",
        ),
        ("Neither says a word about it.", "Neither says a word about it.", None),
        (
            "Doctors have told him to rest.\n\nUnion leader Ann Lee-Ray, 42, thanked him. “He may rest,” she said.",
            "“He may rest,” she said.",
            "Ann Lee-Ray",
        ),
        ("Al Cox said no. It fell after he said he would run.", "It fell after he said he would run.", None),
    ],
)
def test_speaker(text, sentence, speaker):
    start = text.index(sentence)
    assert speaker_of(text, start, start + len(sentence)) == speaker


def test_a_long_run_of_capitals_takes_no_time():
    text = "“Go,” Al Cox said. " + "A" * 40_000 + "B.C." * 10_000
    assert speaker_of(text, 0, 18) == "Al Cox"
    assert speaker_of(text, 19, len(text)) is None
