"""The look through a file before anything is loaded that could read it: what does harm is refused within a second.

Every form but a SavedModel, which is looked through as it is unpacked (``import_graph``). Neither torch nor Keras nor
OpenVINO is started for it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from fundus_core.models import exported_programs, torch_archives
from fundus_core.models.importing import graph_safety, keras_safety, script_safety
from fundus_core.models.importing.formats import Format
from fundus_core.models.pickles import damaged


def through(path: Path, kind: Format) -> None:
    """Refuse a file that is damaged, or holds anything but what a network of its form is made of, by its name."""
    if kind in _LOOKS:
        _LOOKS[kind](path)


def _safetensors(path: Path) -> None:
    try:
        with safe_open(path, framework="numpy") as file:
            file.keys()
    except (SafetensorError, OSError) as why:
        raise damaged(path.name, why) from why


_LOOKS: Mapping[Format, Callable[[Path], object]] = {
    Format.KERAS: lambda path: keras_safety.description(path, Format.KERAS),
    Format.HDF5: lambda path: keras_safety.description(path, Format.HDF5),
    Format.ONNX: graph_safety.check_onnx,
    Format.OPENVINO: graph_safety.check_xml,
    Format.TORCHSCRIPT: script_safety.check_archive,
    Format.STATE_DICT: torch_archives.check,
    Format.EXPORTED: exported_programs.check_exported,
    Format.SAFETENSORS: _safetensors,
}
