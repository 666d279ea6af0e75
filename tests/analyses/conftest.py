"""The application without a browser, as the tests of pages open it."""

from tests.pages.conftest import packages_are_searched_once, page

__all__ = ["packages_are_searched_once", "page"]
