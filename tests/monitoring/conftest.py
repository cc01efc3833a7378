"""Sources may lie on loopback here."""

from ipaddress import ip_network

import pytest
from django.conf import LazySettings


@pytest.fixture(autouse=True)
def _loopback_is_let_in(settings: LazySettings) -> None:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.0/8")]
