"""How the table of timm's networks was made: ``python tests/models/data/architectures.py``, an hour on one core."""

import sys
from pathlib import Path

import timm
import torch

sys.path.insert(0, str(Path(__file__).parents[3]))
from fundus_core.models.importing.architectures import TABLE, digest


def main():
    """Write the table anew."""
    import timm
    import torch

    groups: dict[str, list[str]] = {}
    for name in timm.list_models():
        with torch.device("meta"):
            try:
                network = timm.create_model(name, pretrained=False, num_classes=1)
            except (RuntimeError, NotImplementedError, ImportError, TypeError, ValueError):
                continue  # cannot be made without values; its tensors are asked for by name
        named = network.default_cfg
        listed = named.get("classifier") or ()
        ends = tuple(f"{end}." for end in ([listed] if isinstance(listed, str) else listed))
        state = network.state_dict().items()
        key = digest((name, tuple(value.shape)) for name, value in state if not ends or not name.startswith(ends))
        groups.setdefault(key, []).append(name)
    head = f"# timm {timm.__version__}: hash of names and shapes before the outputs, then every network that has it."
    rows = [head, *(" ".join([key, *names]) for key, names in sorted(groups.items(), key=lambda one: one[1]))]
    TABLE.write_text("\n".join(rows) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
