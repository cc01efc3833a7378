"""Before anything of Django is imported: the servers that the tests run against."""

from tests.plugin_servers import pytest_unconfigure, start
from tests.strictness import (
    pytest_collectreport,
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_collectreport",
    "pytest_runtest_logreport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_unconfigure",
]

start()
