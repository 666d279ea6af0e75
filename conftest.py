"""Examples are sought where there are some: to import and search the other four fifths takes each worker seconds."""

from pathlib import Path

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over modules of the core without an example, and over those of the tests that hold none."""
    if collection_path.suffix != ".py" or collection_path.name.startswith(("test_", "conftest")):
        return None
    ours = any(collection_path.is_relative_to(HERE / part) for part in ("fundus_core", "tests"))
    return True if ours and ">>>" not in collection_path.read_text(encoding="utf-8") else None
