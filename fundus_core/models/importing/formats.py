"""What a file of weights is, told from its bytes and not from its name."""

import json
import zipfile
from enum import StrEnum
from pathlib import Path

from fundus_core.errors import CardError, UsageError, say
from fundus_core.models.importing import other_formats


class Format(StrEnum):
    """Formats that can be imported; the value is shown to people."""

    KERAS = "Keras 3 archive (.keras)"
    HDF5 = "Keras HDF5 file"
    SAVED_MODEL = "TensorFlow SavedModel"
    ONNX = "ONNX"
    TFLITE = "TensorFlow Lite"
    OPENVINO = "OpenVINO graph (.xml with .bin)"
    TORCHSCRIPT = "TorchScript"
    EXPORTED = "torch exported program (.pt2)"
    STATE_DICT = "torch state dict"
    SAFETENSORS = "safetensors"


ALLOWED = (
    ".keras, .h5 / .hdf5, a SavedModel folder or a ZIP of it, .onnx, .tflite, OpenVINO .xml with .bin, "
    "TorchScript .pt / .ts, a torch checkpoint .pt / .pth / .ckpt / .bin, .pt2, .safetensors, or a folder with one of "
    "these"
)
"""For messages."""

_LARGEST_TEXT = 32 * 2**20
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def detect(path: Path) -> Format:
    """Return what a file or folder is.

    Raises:
        UsageError: There is nothing at that path.
        CardError: It is none of the formats that can be imported.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return Format.SAVED_MODEL
        files = _weights_in(path)
        if len(files) > 1:
            raise CardError(
                "The folder '{name}' holds {files} files of weights ({names}); name the one that is meant. Parts of "
                "one network are joined by whoever wrote them (save_pretrained with max_shard_size='100GB').",
                name=path.name,
                files=len(files),
                names=[one.name for one in files[:4]],
            )
        other_formats.refuse_folder(path)
        raise CardError(
            "The folder '{name}' holds no saved_model.pb and no single file of weights; what can be "
            "imported: {allowed}.",
            name=path.name,
            allowed=say(ALLOWED),
        )
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UsageError(
            "'{name}' cannot be opened ({strerror}); correct the path.", name=path.name, strerror=error
        ) from error
    if b"sklearn" in head and head.startswith(_PICKLES):
        other_formats.refuse(path, head)
    found = _from_bytes(path, head)
    if found is None:
        other_formats.refuse(path, head)
        raise CardError(
            "'{name}' is no file of weights that is known here; what can be imported: {allowed}.",
            name=path.name,
            allowed=say(ALLOWED),
        )
    return found


def single(path: Path) -> Path:
    """Return the one file of weights in a folder as Hugging Face and timm leave it; other paths as they are."""
    if not path.is_dir() or (path / "saved_model.pb").is_file():
        return path
    files = _weights_in(path)
    best = [one for one in files if one.suffix == ".safetensors"] or files
    return best[0] if len(best) == 1 else path


def _weights_in(folder: Path) -> list[Path]:
    endings = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".keras", ".onnx")
    return sorted(one for one in folder.iterdir() if one.suffix in endings and one.is_file() and not one.is_symlink())


def config_beside(path: Path) -> Path | None:
    """Return what Hugging Face and timm keep of a network beside its weights: in their folder, or beside their file."""
    named = path.name in ("model.safetensors", "pytorch_model.bin")
    config = (path if path.is_dir() else path.parent) / "config.json"
    return config if (path.is_dir() or named) and config.is_file() and not config.is_symlink() else None


def _from_bytes(path: Path, head: bytes) -> Format | None:
    if head.startswith(_HDF5):
        return Format.HDF5
    if head.startswith(b"PK"):
        return _archive(path)
    if _safetensors(head):
        return Format.SAFETENSORS
    if head.startswith(_PICKLES):  # torch before 1.6; read with weights_only, like every state dict
        return Format.STATE_DICT
    if head.lstrip().startswith(b"<") and b"<net" in head:
        return Format.OPENVINO
    if head[4:8] == b"TFL3":
        return Format.TFLITE
    # ONNX begins with its version (field 1, a small number), then its producer (field 2, text), whatever it is called.
    onnx = head[:1] == b"\x08" and len(head) > 2 and 3 <= head[1] <= 32 and head[2:3] in (b"\x12", b"\x3a", b"B")
    return Format.ONNX if onnx or path.suffix == ".onnx" else None


def _safetensors(head: bytes) -> bool:
    """Eight bytes of length, then JSON."""
    length = int.from_bytes(head[:8], "little")
    return len(head) > 9 and head[8:9] == b"{" and 2 <= length < 100_000_000


def _archive(path: Path) -> Format | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CardError(
            "The archive '{name}' is damaged ({error}); obtain it again.", name=path.name, error=error
        ) from error
    if "config.json" in names and "model.weights.h5" in names:
        return Format.KERAS
    if any("/code/" in name for name in names):
        return Format.TORCHSCRIPT
    if any(name.endswith("data/weights/model_weights_config.json") for name in names):
        return Format.EXPORTED
    if any(name.endswith("data.pkl") for name in names):
        return Format.STATE_DICT
    if any(name.rsplit("/", 1)[-1] == "saved_model.pb" for name in names):
        return Format.SAVED_MODEL
    return None


def json_of(text: bytes | str, name: str) -> dict[str, object]:
    """Return a JSON object; a ``CardError`` where it is none."""
    if len(text) > _LARGEST_TEXT:
        raise CardError(
            "The description of the network in '{name}' is longer than any network's; export the model again.",
            name=name,
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CardError(
            "The description of the network in '{name}' is damaged ({error}); export the model again.",
            name=name,
            error=error,
        ) from error
    if not isinstance(content, dict):
        raise CardError(
            "The description of the network in '{name}' is no table of keys; export the model again.", name=name
        )
    return content
