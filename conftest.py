"""Examples are sought where there are some: to import and search the other four fifths takes each worker seconds."""

from pathlib import Path

CORE = Path(__file__).parent / "fundus_core"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over modules of the core without an example."""
    ours = collection_path.suffix == ".py" and collection_path.is_relative_to(CORE)
    return True if ours and ">>>" not in collection_path.read_text(encoding="utf-8") else None
