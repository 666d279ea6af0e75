"""The application without a browser, as the tests of pages open it."""

from tests.pages.conftest import as_on_a_server, page

__all__ = ["as_on_a_server", "page"]
