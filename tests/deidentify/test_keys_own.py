"""The user's own key: made once, kept with the user, readable by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fundus_core.deidentify import own_key, own_key_file


def test_the_own_key_is_made_once_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDUS_LAB_KEY", str(tmp_path / "deep" / "own.key"))
    first = own_key()
    assert own_key() == first
    assert own_key_file().stat().st_mode & 0o077 == 0


def test_the_own_key_lies_in_the_users_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUNDUS_LAB_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert own_key_file() == tmp_path / "fundus-lab" / "pseudonym.key"
