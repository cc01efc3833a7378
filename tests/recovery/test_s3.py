"""Restore points in a bucket of a server that speaks S3, over HTTP."""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.test import override_settings
from moto.server import ThreadedMotoServer

from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.models import RestorePoint, Target
from tests.recovery.operations import do, take
from tests.recovery.shop import ask, sell

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Bucket:
    """The bucket as somebody else sees it, who bypasses the portal."""

    name: str
    client: Any

    def list_names(self) -> list[str]:
        """Return the names of what lies in it."""
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]


@pytest.fixture
def bucket(folders: Path) -> Iterator[Bucket]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-3"}
    # What the settings make of RECOVERY_S3_…; the server asks for some name and word, whatever they are.
    login = {"access_key": "portal", "secret_key": secrets.token_hex(8)}
    client = boto3.client(
        "s3", aws_access_key_id=login["access_key"], aws_secret_access_key=login["secret_key"], **options
    )
    # The server forgets nothing while this process lives.
    name = f"till-{secrets.token_hex(5)}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    shape: dict[str, Any] = settings.S3_STORAGE
    place = shape["OPTIONS"] | {"bucket_name": name, "location": "points", **options, **login}
    with override_settings(STORAGES=settings.STORAGES | {"restore_points": shape | {"OPTIONS": place}}):
        yield Bucket(name, client)
    client.close()
    server.stop()


def test_take__into_a_bucket__is_verified_and_comes_back(target: Target, shop: Address, bucket: Bucket) -> None:
    point = take(target)
    sell(shop, 2)
    assert bucket.list_names() == [f"points/{point.file}"]
    assert do(target, Kind.VERIFY, restore_point=point.pk).status == "succeeded"

    back = do(target, Kind.ROLL_BACK, restore_point=point.pk, accepts_losses=True)

    assert back.status == "succeeded", back.failure
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    # The lost rows lie beside it.
    assert len(bucket.list_names()) == 2


def test_take__more_than_are_kept__go_from_the_bucket_too(target: Target, bucket: Bucket) -> None:
    Target.objects.filter(pk=target.pk).update(kept_points=1)
    take(target)

    newest = take(target)

    assert bucket.list_names() == [f"points/{newest.file}"]


def test_roll_back__what_is_stored_was_harmed__touches_nothing(target: Target, shop: Address, bucket: Bucket) -> None:
    point = take(target)
    name = f"points/{point.file}"
    stored = bytearray(bucket.client.get_object(Bucket=bucket.name, Key=name)["Body"].read())
    stored[len(stored) // 2] ^= 1
    bucket.client.put_object(Bucket=bucket.name, Key=name, Body=bytes(stored))

    back = do(target, Kind.ROLL_BACK, restore_point=point.pk, accepts_losses=True)

    assert (back.status, back.failure["code"]) == ("failed", "stored_wrong")
    assert RestorePoint.objects.get().status == "broken"
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


def test_take__the_bucket_is_gone__is_tried_again(target: Target, bucket: Bucket) -> None:
    bucket.client.delete_bucket(Bucket=bucket.name)

    operation = do(target, Kind.TAKE)

    assert (operation.status, operation.failure["code"]) == ("running", "storage_failed")
    assert operation.next_attempt_at is not None
