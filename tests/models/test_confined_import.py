"""An import as users meet it: the file is opened in a confined process, and what comes out is the same."""

import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest
import torch
from safetensors.torch import save_file

from fundus_core import confined
from fundus_core.errors import CardError, UsageError
from fundus_core.models import networks
from fundus_core.models.importing import import_model, initial_weights
from fundus_core.training import fit
from fundus_core.training.plan import Plan
from tests.models import files

SIDE = 32
FED = files.UNIT + f"\nsize = {SIDE}"
TINY = 'backbone = "resnet10t"\nbackbone_options = { channels = [8, 8, 16, 16], stem_width = 8 }'


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def test_weights_are_read_in_a_process_of_their_own_and_the_report_says_what_held(place):
    network = networks.body("resnet10t", 1, {"channels": [8, 8, 16, 16], "stem_width": 8})
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, place / "w.safetensors")
    card, report = import_model(place / "w.safetensors", files.write_card(place, ["sbp"], top=TINY, fed=FED))
    kept = sorted(path.name for path in card.folder.iterdir())
    assert kept == ["card.toml", "golden.png", "import.json", "weights.safetensors"]
    assert "process of its own" in report.limits[0]
    assert report.limits[0] in (card.folder / "import.json").read_text().replace("\\n", " ")
    assert not list((place / "home" / "models" / ".importing").iterdir())


def test_a_file_that_ends_the_process_is_a_sentence_and_leaves_nothing(place):
    (place / "w.pt").write_bytes(b"PK\x03\x04" + bytes(1000))
    with pytest.raises(CardError, match=r"w\.pt"):
        import_model(place / "w.pt", files.write_card(place, ["sbp"], top=TINY, fed=FED))
    assert not (place / "home" / "models" / "brought").exists()
    assert not list((place / "home" / "models" / ".importing").iterdir())


def test_what_is_no_plain_file_is_not_opened(place):
    card = files.write_card(place, ["sbp"], top=TINY, fed=FED)
    with pytest.raises(UsageError, match="no plain file"):
        import_model(Path("/dev/zero"), card)


def test_torchscript_that_writes_can_write_nothing_even_if_it_is_loaded(place, monkeypatch):
    """The lists refuse it before; here they are passed over, and the process alone must hold."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    room = place / "room"
    room.mkdir()
    outside, inside = place / "marker", room / "marker"
    held = confined.run("running:script", {"markers": [str(outside), str(inside)]}, folder=room)
    assert held.value == "ran"
    assert "files" not in held.held or not outside.exists()
    assert inside.exists()  # in its own folder it can, so that the first proves something


HEAVY = "[name for name in ('torch', 'keras', 'openvino', 'timm', 'onnx') if name in sys.modules]"


def test_nothing_heavy_is_started_before_a_file_was_looked_through(place):
    """A refusal must not wait for what takes seconds to start, on a busy machine minutes."""
    files.torch_archive(place / "bad.pt", files.Bomb(place / "marker"))
    (place / "bad.keras").write_bytes(b"")
    with zipfile.ZipFile(place / "bad.keras", "w") as archive:
        archive.writestr("config.json", '{"class_name": "Lambda", "config": {}}')
        with h5py.File(place / "empty.h5", "w") as empty:
            empty.create_group("layers")
        archive.write(place / "empty.h5", "model.weights.h5")
    for name in ("bad.pt", "bad.keras"):
        code = (
            "import sys\nfrom fundus_core.errors import CardError\nimport fundus_core.commands.models\n"
            "from fundus_core.models.importing import importing_process\n"
            f"try:\n    importing_process.bring(file={str(place / name)!r}, content={{}}, name='card', folder='.')\n"
            f"except CardError as error:\n    print('refused', {HEAVY})"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert said.strip() == "refused []"
    assert not (place / "marker").exists()


def test_weights_that_a_training_begins_with_are_opened_in_a_process_of_their_own(place):
    network = networks.body("resnet10t", 1, {"channels": [8, 8, 16, 16], "stem_width": 8})
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, place / "w.pt")
    given = initial_weights.tensors(place / "w.pt")
    assert all(torch.equal(given[name], value) for name, value in network.state_dict().items())
    files.torch_archive(place / "bad.pt", files.Bomb(place / "marker"))
    with pytest.raises(CardError, match=r"would execute code to load \(io\.open\)"):
        fit.begin(Plan(backbone="resnet10t"), place / "bad.pt")
    assert not (place / "marker").exists()


def test_a_training_begins_with_no_graph(place):
    (place / "w.xml").write_text('<net name="g"><layers/></net>')
    with pytest.raises(CardError, match=r"w\.xml"):
        initial_weights.tensors(place / "w.xml")
