"""A shop's database and its target, as the tests of recovery have them."""

from tests.recovery.conftest import folders, shop, target

__all__ = ["folders", "shop", "target"]
