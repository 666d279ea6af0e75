"""Fundus Lab's core: from the bytes of a photograph to a table of errors, without a user interface."""

__version__ = "0.1.0"
