"""The tests; a package so that `from tests.fakes import FakeEncoder` works however pytest is started."""
