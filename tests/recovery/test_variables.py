"""Variables that lead to the live database, and how they are turned to a copy: pure rules."""

import pytest

from recovery.domain.addresses import Address
from recovery.domain.variables import NotRedirected, may_be_same, redirect

LIVE = Address("127.0.0.1", 5432, "owner", "p w", "till")
COPY = LIVE.of("till_scratch_7")


def test_redirect__all_that_lead_there__and_nothing_else() -> None:
    turned = redirect(
        {
            "DATABASE_URL": "postgres://app:secret@db:5432/till",
            "REPORTS_URL": "postgresql+psycopg://app:secret@db/till?sslmode=require",
            "PGDATABASE": "till",
            "SHOP_DB_NAME": "till",
            "SERVICE": "till",
            "DATABASE_USER": "till",
            "OTHER_URL": "postgres://app:secret@db/books",
            "PAGE": "https://shop.example/till",
        },
        live=LIVE,
        copy=COPY,
    )

    assert turned == {
        "DATABASE_URL": "postgres://owner:p%20w@db:5432/till_scratch_7",
        "REPORTS_URL": "postgresql+psycopg://owner:p%20w@db/till_scratch_7?sslmode=require",
        "PGDATABASE": "till_scratch_7",
        "SHOP_DB_NAME": "till_scratch_7",
    }


@pytest.mark.parametrize(
    "value",
    [
        "host=db dbname=till user=app",
        "Host=db;Database=till;Username=app",
        "jdbc:postgresql://db:5432/till?user=app",
        "postgres://app@db/till?dbname=till",
        "postgres://app@db?dbname=till",
    ],
)
def test_redirect__leads_there_in_another_form__is_refused(value: str) -> None:
    with pytest.raises(NotRedirected) as caught:
        redirect({"DSN": value}, live=LIVE, copy=COPY)

    assert caught.value.variable == "DSN"


@pytest.mark.parametrize(
    ("ours", "theirs", "may_be"),
    [
        (("db", 5432, "till"), ("db", 5432, "till"), True),
        (("db", 5432, "till"), ("db", 5433, "till"), False),
        (("db", 5432, "till"), ("db", 5432, "books"), False),
        (("127.0.0.1", 5433, "till"), ("db", 5432, "till"), True),
        (("127.0.0.1", 5432, "till"), ("172.17.0.1", 5432, "till"), True),
        (("10.0.0.7", 5432, "till"), ("10.0.0.8", 5432, "till"), False),
    ],
)
def test_may_be_same__as_far_as_both_are_known(
    ours: tuple[str, int, str], theirs: tuple[str, int, str], may_be: bool
) -> None:
    one, other = (Address(host, port, "u", "", name) for host, port, name in (ours, theirs))

    assert may_be_same(one, other) is may_be
