"""Settings: one frozen object, from defaults, a file and the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.errors import ConfigError
from config.settings import Settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path) -> Iterator[None]:
    """Run each test in an empty folder without CULPRIT_ variables."""
    kept, folder = dict(os.environ), Path.cwd()
    for name in [n for n in os.environ if n.startswith("CULPRIT_")]:
        del os.environ[name]
    os.chdir(tmp_path)
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(kept)


def test_defaults_are_local() -> None:
    """Without any settings Culprit listens on loopback and keeps a SQLite file below .culprit."""
    settings = load_settings()
    assert settings.http.host == "127.0.0.1"
    assert settings.database == "sqlite:///.culprit/culprit.db"
    assert settings.model.main == ""


def test_environment_beats_file(tmp_path: Path) -> None:
    """The environment wins over the file, and the file over the defaults."""
    file = tmp_path / "culprit.yaml"
    file.write_text("worker: {concurrency: 3, lease_seconds: 9}\nlanguage: ko\n")
    os.environ["CULPRIT_WORKER__CONCURRENCY"] = "7"
    settings = load_settings()
    assert (settings.worker.concurrency, settings.worker.lease_seconds, settings.language) == (7, 9.0, "ko")


def test_secrets_do_not_print() -> None:
    """A printed settings object shows neither tokens, passwords nor the database's URL."""
    os.environ["CULPRIT_HTTP__AUTH__TOKEN"] = "s3cr3t-token"
    os.environ["CULPRIT_DATABASE_URL"] = "postgresql://u:pw-s3cr3t@db/x"
    settings = load_settings()
    assert "s3cr3t" not in repr(settings) + str(settings)
    assert settings.database.endswith("pw-s3cr3t@db/x")


def test_settings_are_frozen() -> None:
    """Nobody changes settings after start."""
    with pytest.raises(ValidationError):
        load_settings().http.port = 1


@pytest.mark.parametrize(
    "text", ["worker: {concurency: 3}", "worker: {concurrency: 0}", "a: [", "http: {host: 0.0.0.0}"])
def test_a_wrong_file_names_file_and_field(tmp_path: Path, text: str) -> None:
    """A misspelt or impossible setting, broken YAML, or an open door without credentials is a clear error."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_settings(file)


def test_missing_file_is_an_error() -> None:
    """A file one names must exist."""
    with pytest.raises(ConfigError, match="no such settings file"):
        load_settings(Path("absent.yaml"))


def test_an_open_door_with_credentials_is_allowed() -> None:
    """Listening to others is fine once something must be shown at the door."""
    os.environ["CULPRIT_HTTP__AUTH__TOKEN"] = "t"
    assert load_settings(http={"host": "0.0.0.0"}).http.auth.configured


def test_misspelt_variables_are_found() -> None:
    """A variable that no setting reads is named."""
    names = {"CULPRIT_WROKER__CONCURRENCY": "1", "CULPRIT_WORKER__CONCURRENCY": "1", "PATH": ""}
    assert unknown_variables(names) == ("CULPRIT_WROKER__CONCURRENCY",)
    assert set(Settings.model_fields) >= {"worker", "http"}
