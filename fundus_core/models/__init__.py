"""Models: their cards, the registry that finds them, and the networks that they describe."""
