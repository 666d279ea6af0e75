"""A room imports only from the floors below; neighbours are strangers; the page server never sees torch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.sources import nodes_of

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {
    0: ("errors", "home", "owner_only", "plain_values", "processes", "records"),
    1: ("targets", "jobs"),
    2: ("identity", "confined"),
    3: ("tables",),
    4: ("images", "retina", "quality", "eye", "deidentify", "truth", "evaluation", "synthetic"),
    5: ("models", "journey"),
    6: ("inference", "explain", "training", "store", "figures"),
    7: ("analyses",),
    8: ("runs", "report", "checking"),
    9: ("pipeline", "cluster"),
    10: ("benchmark",),
    11: ("commands", "notebook"),
    12: ("__main__",),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

INNER_FLOORS = {
    "observations": 0,
    "intervals": 1,
    "one_cohort": 2,
    "cohorts": 3,
    "criteria": 3,
    "sites": 3,
    "gap": 3,
}
"""The rooms inside evaluation."""

ANYWHERE = {"numpy"}
MAY_IMPORT: dict[str, set[str]] = {
    "confined": {"psutil"},
    "jobs": {"psutil"},
    "identity": set(),
    "tables": {"pandas", "openpyxl", "pyarrow"},
    "images": {"PIL", "cv2", "simplejpeg", "pydicom", "kornia_rs", "pyarrow"},
    "retina": {"cv2", "scipy", "PIL"},
    "quality": {"cv2", "scipy"},
    "eye": {"cv2", "scipy"},
    "deidentify": {"PIL", "pydicom"},
    "truth": {"pandas"},
    "evaluation": {"scipy"},
    "synthetic": {"cv2", "scipy", "PIL"},
    "models": {"torch", "timm", "safetensors", "h5py", "keras", "openvino", "onnx", "google", "PIL", "tomli_w"},
    "journey": set(),
    "inference": {"torch", "openvino", "scipy"},
    "explain": {"torch", "openvino", "cv2", "scipy"},
    "training": {"torch", "timm", "accelerate", "tqdm", "cv2", "PIL", "simplejpeg", "scipy", "safetensors"},
    "store": {"sqlalchemy", "alembic", "psycopg", "PIL"},
    "figures": {"plotly", "scipy", "matplotlib", "fontTools"},
    "analyses": set(),
    "checking": {"PIL", "openvino"},
    "runs": {"filelock"},
    "report": {"jinja2", "plotly", "pptx", "docx", "PIL", "cv2"},
    "pipeline": {"PIL"},
    "benchmark": {"torch", "openvino", "PIL", "cv2"},
    "commands": {"tqdm", "psutil"},
    "notebook": {"pandas", "plotly"},
    "__main__": set(),
    "cluster": {"ray"},
}


def files() -> list[Path]:
    return sorted((ROOT / "fundus_core").rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "fundus_core").parts
    return parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> set[str]:
    """Dotted names imported anywhere in a file, functions included."""
    names: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in files()} - {"__init__"}
    assert rooms <= set(FLOOR_OF), f"without a floor: {sorted(rooms - set(FLOOR_OF))}"


def told(fault: Callable[[Path, str], str]) -> dict[str, list[str]]:
    """What is wrong with the imports of each file; a thousand tests would cost seconds."""
    found = {path: [wrong for name in sorted(imports(path)) if (wrong := fault(path, name))] for path in files()}
    return {str(path.relative_to(ROOT)): wrong for path, wrong in found.items() if wrong}


def test_imports_point_down() -> None:
    """Errors may be raised on every floor, the ground floor included."""

    def fault(path: Path, name: str) -> str:
        room, parts = room_of(path), name.split(".")
        if room == "__init__" or parts[0] != "fundus_core" or len(parts) == 1:
            return ""
        free = parts[1] in {room, "__version__", "errors"} or FLOOR_OF[parts[1]] < FLOOR_OF[room]
        return "" if free else f"{room} imports {parts[1]}"

    assert not told(fault)


def test_each_room_keeps_to_its_libraries() -> None:
    own = sys.stdlib_module_names | {"fundus_core"} | ANYWHERE

    def fault(path: Path, name: str) -> str:
        library = name.split(".")[0]
        return "" if library in own | MAY_IMPORT.get(room_of(path), set()) else f"{room_of(path)} imports {library}"

    assert not told(fault)


def test_evaluations_rooms_point_down_and_only_its_door_is_open() -> None:
    def fault(path: Path, name: str) -> str:
        parts, inner = path.relative_to(ROOT / "fundus_core").parts, name.split(".")[2:]
        if not name.startswith("fundus_core.evaluation.") or inner[0] not in INNER_FLOORS:
            return ""
        if parts[0] != "evaluation":
            return f"{'/'.join(parts)} reaches past the door of evaluation: {name}"
        down = len(parts) != 3 or parts[1] == inner[0] or INNER_FLOORS[inner[0]] < INNER_FLOORS[parts[1]]
        return "" if down else f"{parts[1]} imports {inner[0]}"

    assert not told(fault)


PARTS = ROOT / "pages" / "parts"


def arrows() -> set[tuple[str, str]]:
    """Which module of the pages' parts imports which of another room."""
    found = set()
    for path in PARTS.rglob("*.py"):
        mine = path.relative_to(PARTS).with_suffix("").parts
        others = [name.split(".")[2:4] for name in imports(path) if name.startswith("pages.parts.")]
        found |= {(".".join(mine), ".".join(other)) for other in others if other[0] != mine[0]}
    return found


def test_pages_parts_import_down() -> None:
    """A page's own room stands on what pages share, and that on the shell."""
    heights = {"shell": 0, "shared": 1}
    assert not {(a, b) for a, b in arrows() if heights.get(b.split(".")[0], 2) > heights.get(a.split(".")[0], 2)}


def test_no_two_rooms_of_pages_import_each_other() -> None:
    rooms = {(a.split(".")[0], b.split(".")[0]) for a, b in arrows()}
    assert not {(a, b) for a, b in rooms if (b, a) in rooms}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even inside one room, and not even within a function."""
    paths = [path for top in ("fundus_core", "pages") for path in (ROOT / top).rglob("*.py")]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    graph = {}
    for name, path in names.items():
        wanted = {full if full in names else full.rpartition(".")[0] for full in imports(path)}
        graph[name] = {other for other in wanted if other in names and other != name}
    assert len(list(TopologicalSorter(graph).static_order())) == len(names)


def test_the_page_server_never_names_torch() -> None:
    for path in [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]:
        found = {name.split(".")[0] for name in imports(path)} & {"torch", "timm", "openvino"}
        assert not found, f"{path.name} imports {sorted(found)}"
