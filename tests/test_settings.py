"""Settings: precedence, and faults that name their place."""

import pytest

from qa.errors import SettingsError
from qa.settings import Settings


def test_precedence(tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text('reader = "file"\nquotes_shown = 3\n')
    monkeypatch.setenv("BYLINE_READER", "environment")
    assert Settings.load(tmp_path).reader == "environment"
    assert Settings.load(tmp_path).quotes_shown == 3
    assert Settings.load(tmp_path, reader="argument").reader == "argument"


def test_home_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("BYLINE_HOME", str(tmp_path / "mine"))
    assert Settings.load().home == tmp_path / "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reader = ", "config.toml"),
        ("colour = 1", "colour"),
        ("quotes_shown = 0", "quotes_shown"),
        ('passages_read = "many"', "passages_read"),
        ("encoder = 3", "encoder"),
        ("words_shown = true", "words_shown"),
        ("words_shown = inf", "words_shown"),
        ("passages_read = 2.7", "passages_read"),
    ],
)
def test_faults_are_named(tmp_path, text, said):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_fault_in_the_environment_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("BYLINE_THREADS", "-2")
    with pytest.raises(SettingsError, match="BYLINE_THREADS"):
        Settings.load(tmp_path)


def test_a_home_that_cannot_be_told_is_one_clear_line():
    with pytest.raises(SettingsError, match="Name one with --home or BYLINE_HOME"):
        Settings.load("~nobody-has-this-name/library")
