"""Files that are no weights of a kind that is read, told from their first bytes: what they are, and what helps."""

from pathlib import Path

from fundus_core.errors import CardError

_ARCHIVES = (b"PK", b"\x1f\x8b", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")
_PROGRAMS = (
    ("MATLAB", "exportONNXNetwork(net, 'net.onnx')"),
    ("JAX / Flax", "jax.experimental.jax2tf.convert, tf.saved_model.save"),
    ("TensorFlow (checkpoint)", "model.load_weights, model.save('model.keras')"),
    ("TensorFlow 1", "python -m tf2onnx.convert --graphdef FILE, and the names of inputs and outputs"),
    ("Core ML", "ct.models.MLModel(FILE).get_spec(), or the file that it was converted from"),
    ("PaddlePaddle", "paddle2onnx"),
    ("Caffe", "caffe2onnx"),
    ("GGML", "the file that it was converted from"),
    ("scikit-learn", "skl2onnx.to_onnx"),
)


def refuse(path: Path, head: bytes) -> None:
    """Say what a file is whose kind can be told, and what its holder can do; nothing where it is not known.

    Raises:
        CardError: It is known.
    """
    plain = head.lstrip().lower()
    if not head:
        raise CardError("'{name}' is empty; obtain it again.", name=path.name)
    if plain.startswith(b"version https://git-lfs"):
        raise CardError("'{name}' is a pointer of Git LFS and not the weights; run 'git lfs pull'.", name=path.name)
    if head.startswith(b"\x93NUMPY") or (head.startswith(b"PK") and b".npy" in head[:200]):
        raise CardError(
            "'{name}' holds arrays of numpy; write them as safetensors: safetensors.numpy.save_file("
            "dict(numpy.load('{name}')), 'weights.safetensors').",
            name=path.name,
        )
    program = _program(path, head)
    if program is not None:
        raise CardError(
            "'{name}' is a file of {program}, which is not read here; convert it where that runs ({how}).",
            name=path.name,
            program=_PROGRAMS[program][0],
            how=_PROGRAMS[program][1],
        )
    if head.startswith(_ARCHIVES) or head[257:262] == b"ustar":
        raise CardError(
            "'{name}' is an archive; unpack it, and name the file of weights in it, or its folder.", name=path.name
        )
    if plain.startswith((b"<", b"{", b"[")) or head.isascii():
        raise CardError(
            "'{name}' is text ('{begins}') and not the weights, as when a page was saved in their place; obtain "
            "them again.",
            name=path.name,
            begins=" ".join(head[:40].decode(errors="replace").split()),
        )


def refuse_folder(path: Path) -> None:
    """Say of which program a folder is that holds no weights of a kind that is read; see ``refuse``."""
    names = {one.name for one in path.iterdir()}
    marks = {1: {"_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"}, 2: {"checkpoint"}, 4: {"Manifest.json"}}
    found = next((place for place, some in marks.items() if names & some), None)
    found = 2 if found is None and any(name.endswith(".index") for name in names) else found
    if found is not None:
        program, how = _PROGRAMS[found]
        raise CardError(
            "'{name}' is a file of {program}, which is not read here; convert it where that runs ({how}).",
            name=path.name,
            program=program,
            how=how,
        )


def _program(path: Path, head: bytes) -> int | None:
    """Which of the programs wrote a file."""
    endings = ((), (".msgpack",), (".index",), (".pb", ".pbtxt"), (".mlmodel",), (".pdmodel", ".pdiparams"), (
        ".caffemodel", ".prototxt",
    ))  # fmt: skip
    begins = {b"MATLAB": 0, b"GGUF": 7}
    found = next((place for start, place in begins.items() if head.startswith(start)), None)
    if found is None and b"sklearn" in head:
        found = 8
    return next((k for k, some in enumerate(endings) if path.suffix.lower() in some), None) if found is None else found
