"""The proof of de-identification is run beside the page, and its result can be taken away."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.shared import subprocess_cli


def _page() -> None:
    from pages.parts.cohorts import registry_export

    registry_export.prove()


@pytest.mark.parametrize(("passed", "kind"), [(True, "success"), (False, "error"), (None, "error")])
def test_the_button_runs_the_proof_and_says_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
    passed: bool | None,
    kind: str,
) -> None:
    """It passed, it found a name, or it stopped without a result."""
    called: list[tuple[str, ...]] = []

    def run(*words: str) -> CompletedProcess[str]:
        called.append(words)
        if passed is not None:
            out = Path(words[-1])
            (out / "proof.json").write_text(json.dumps({"passed": passed, "files": 60}), encoding="utf-8")
            (out / "proof.txt").write_text("De-identification, tried", encoding="utf-8")
        return CompletedProcess(words, 0 if passed else 1)

    monkeypatch.setattr(subprocess_cli, "run", run)
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.get(kind)
    app.button(key="prove").click().run()
    assert not app.exception
    assert called[0][:2] == ("deidentify", "--prove")
    assert len(app.get(kind)) == 1
    assert len(app.get("download_button")) == (passed is not None)
