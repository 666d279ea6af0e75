"""Words of others within Markdown."""

import re


def literal(text: str) -> str:
    """Return text that Markdown shows as it is written, stars and brackets included."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$:-])", r"\\\1", text)
