"""How ``transformers_vit`` was made: a small network with random weights, written by Hugging Face's transformers.

transformers is not among this project's requirements, so that the folder is kept. In an environment of its own, with
transformers 5.24: ``python make_transformers.py FOLDER``.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

SIDE = 32


def main(folder):
    """Write the network as transformers saves it, and beside it what it says of two pictures of noise."""
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, image_size=SIDE,
        patch_size=8, hidden_act="gelu_new", layer_norm_eps=1e-2, num_labels=2,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.ViTForImageClassification(config).eval()
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.3)
    model.save_pretrained(folder)
    crops = np.random.default_rng(7).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        values = model(torch.from_numpy(crops).permute(0, 3, 1, 2) / 255).logits
    (folder / "expected.json").write_text(json.dumps(values.double().tolist()) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
