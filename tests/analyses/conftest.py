"""The application without a browser, as the tests of pages open it."""

from tests.pages.conftest import page

__all__ = ["page"]
