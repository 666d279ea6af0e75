"""From what a user knows of a model, and what its file says, to a complete card.

For import a card may leave out whatever the file says. What neither says is asked for, by the names of the keys;
what was taken from a habit of the field is written into ``unverified``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fundus_core.errors import CardError, UsageError, say
from fundus_core.models import card as cards
from fundus_core.models import card_files, card_limits, registry
from fundus_core.models.importing.formats import config_beside, json_of
from fundus_core.models.importing.imported import IMAGENET, Wanted
from fundus_core.targets import Target, target


@dataclass(frozen=True, slots=True)
class Draft:
    """A card as the user brings it."""

    content: Mapping[str, object]
    """As the TOML reader returns it."""
    name: str
    """Of the file or the card, for messages."""
    choice: str = ""
    """Which of several sets of weights in the file."""
    without: tuple[str, ...] = ()
    """Beginnings of names of tensors that are no part of the network."""
    labels: tuple[str, ...] = ()
    """What a description beside the file calls the outputs, in the network's order."""

    @property
    def known(self) -> Mapping[str, Target]:
        """Targets by id: those known here, and those that the card brings."""
        return card_files.known_to(self.content, self.name)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Keys of which the card itself says that nobody confirmed them."""
        listed = self.content.get("unverified", [])
        return tuple(str(key) for key in listed) if isinstance(listed, list) else ()

    def get(self, key: str) -> object:
        """Return what stands under a dotted key; ``None`` where nothing does."""
        value: object = self.content
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def confirmed(self, key: str) -> object:
        """Return what stands under a dotted key and is confirmed."""
        return None if key in self.unverified else self.get(key)

    @property
    def outputs(self) -> list[Mapping[str, object]]:
        """The outputs' tables.

        Raises:
            CardError: There is none, or one without a known target.
        """
        listed = self.content.get("outputs")
        if not isinstance(listed, list) or not listed or not all(isinstance(one, Mapping) for one in listed):
            raise CardError(
                "{name} names no outputs; add a table [[outputs]] with 'target' for each, in their order.",
                name=self.name,
            )
        for one in listed:
            if one.get("target") not in self.known:
                raise CardError(
                    "{name}: an output has the target {one}; one of {known}, or one of your own: a table "
                    "[targets.ID] in the card, or a file in the folder 'targets'.",
                    name=self.name,
                    one=repr(one.get("target")),
                    known=self.known,
                )
        return listed

    def confirmed_output(self, place: int, key: str) -> object:
        """Return what stands under a key of an output and is confirmed."""
        one = self.outputs[place]
        doubted = {f"outputs.{key}", f"outputs.{one['target']}.{key}"} & set(self.unverified)
        return None if doubted else one.get(key)

    @property
    def size(self) -> int | None:
        """Side of the input, confirmed or not."""
        value = self.get("input.size")
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    def wanted(self) -> Wanted:
        """Return what it says of a network of which a file holds the weights alone."""
        options = self.get("backbone_options")
        return Wanted(
            backbone=str(self.get("backbone") or ""),
            sure=self.confirmed("backbone") is not None,
            options=options if isinstance(options, Mapping) else {},
            targets=[str(one["target"]) for one in self.outputs],
            binary={name: target.binary for name, target in self.known.items()},
            size=self.size,
            labels=self.labels,
            choice=self.choice,
            without=self.without,
        )

    def sized(self, native: int | None) -> "Draft":
        """Return the card with the side that its network is made for, where it says itself that it knows none."""
        if native is None or self.size is not None or "input.size" not in self.unverified:
            return self
        return replace(self, content={**self.content, "input": {**_table(self.get("input")), "size": native}})

    @property
    def hidden(self) -> tuple[str, ...]:
        """Activations of hidden layers, as ``backbone_options.hidden`` gives them."""
        listed = self.get("backbone_options.hidden")
        return tuple(str(one[-1]) for one in listed if one) if isinstance(listed, list) else ()


def open_draft(card: str | Path) -> Draft:
    """Return the card that a user names: a TOML file, or the id of a card that is known.

    Raises:
        UsageError: There is neither.
        CardError: The file is no TOML, or holds what no card may.
    """
    path = Path(card)
    if path.suffix == ".toml" or path.is_file():
        content = card_files.toml(path)
        card_limits.check(content, path.name)
        return Draft(content, path.name)
    known = registry.models()
    if str(card) not in known:
        raise UsageError(
            "'{card}' is neither a card (a TOML file) nor the id of one; the ids are {known}.", card=card, known=known
        )
    plain = cards.as_plain(known[str(card)])
    return Draft(plain if isinstance(plain, dict) else {}, say("The card '{card}'", card=card))


def for_outputs(file: Path, targets: Sequence[str]) -> Draft:
    """Return the card of a file of which nobody knows more than what it gives, named after the file.

    The rest is the file's word, or a habit of the field and listed as unverified: the order of the outputs, and what
    the network is fed.

    Args:
        file: Of weights.
        targets: Ids of what it gives, in the network's order.

    Raises:
        UsageError: No target has such an id, or one is named twice.
    """
    outputs = [{"target": target(name).id} for name in targets]
    if len(set(targets)) < len(targets):
        raise UsageError("{targets} names a target twice; name each output once.", targets=list(targets))
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in file.name.split(".")[0]).strip("-") or "model"
    table = {key.partition(".")[2]: value for key, value in IMAGENET.items()}
    doubts = ["outputs", "input.size", *IMAGENET]
    return Draft({"id": name, "input": table, "outputs": outputs, "unverified": doubts}, file.name)


def with_config(draft: Draft, file: Path) -> Draft:
    """Return the card with what ``config.json`` beside the weights says of the network, where the card does not.

    timm and Hugging Face leave such a folder, or such a file beside theirs; other paths say nothing.

    Raises:
        CardError: It says that the network computes otherwise than any that is known here.
    """
    config = config_beside(file)
    if config is None or config.stat().st_size > 2**20:
        return draft
    said = json_of(config.read_bytes(), config.name)
    odd = next((key for key in _ODD if said.get(key)), "")
    if odd:
        raise CardError(
            "'{name}' says {odd} = {value}, by which the network computes otherwise than the one of its names that is "
            "known here. Load it with transformers, and export it as ONNX (torch.onnx.export).",
            name=config.name,
            odd=odd,
            value=str(said[odd])[:40],
        )
    content = dict(draft.content)
    if isinstance(said.get("architecture"), str) and draft.confirmed("backbone") is None:
        content["backbone"] = said["architecture"]
    content["backbone_options"] = {**_options(said), **_table(content.get("backbone_options"))}
    cfg = said.get("pretrained_cfg")
    table = content.get("input")
    given = _table(table)
    for key in ("mean", "std"):
        value = cfg.get(key) if isinstance(cfg, Mapping) else None
        if isinstance(value, list) and len(value) == 3 and draft.get(f"input.{key}") is None:
            given |= {key: value, "value_range": given.get("value_range", [0.0, 1.0])}
    size = cfg.get("input_size") if isinstance(cfg, Mapping) else None
    if isinstance(size, list) and len(size) == 3 and draft.get("input.size") is None:
        given["size"] = size[-1]
    content["input"] = given
    card_limits.check(content, config.name)
    labels = said.get("id2label")
    numbered = {str(key): str(one) for key, one in labels.items()} if isinstance(labels, Mapping) else {}
    order = sorted(numbered, key=lambda key: (len(key), key))
    return replace(draft, content=content, labels=tuple(numbered[key] for key in order[:_MOST_LABELS]))


def _table(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}


def _options(said: Mapping[str, object]) -> dict[str, object]:
    """How a network differs from the usual one of its name, as timm (``model_args``) and transformers write it."""
    found = _table(said.get("model_args"))
    if isinstance(said.get("model_type"), str):
        pairs = {"hidden_act": "activation", "layer_norm_eps": "eps", "num_attention_heads": "num_heads"}
        found |= {
            ours: said[theirs] for theirs, ours in pairs.items() if isinstance(said.get(theirs), str | float | int)
        }
        found["activation"] = _WORDS.get(str(found.get("activation", "")), found.get("activation", ""))
        padded, depth = said.get("depthwise_padding"), said.get("depth_coefficient")
        if said["model_type"] == "efficientnet" and isinstance(padded, list) and isinstance(depth, int | float):
            return {key: found[key] for key in ("activation",) if found[key]} | _padded(depth, padded)
        if said["model_type"] not in ("vit", "deit"):  # whose blocks have epsilons of their own, and heads by stage
            found = {key: value for key, value in found.items() if key == "activation"}
    elif isinstance(said.get("global_pool"), str):
        found = {"global_pool": said["global_pool"], **found}
    return {key: value for key, value in found.items() if value != ""}


def _padded(depth: float, listed: Sequence[object]) -> dict[str, object]:
    from fundus_core.models.importing import transformers_names  # torch takes seconds to start

    side = transformers_names.padded_at(depth, [block for block in listed if isinstance(block, int)])
    return {"padded_at": side} if side else {}


_MOST_LABELS = 64
_ODD = ("downsample_in_bottleneck", "downsample_in_first_stage", "use_absolute_embeddings")
"""What transformers' networks can do that timm's of the same names do not, in words of their ``config.json``."""
_WORDS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "swish": "silu"}
"""Words of transformers for activations that are called otherwise here."""
