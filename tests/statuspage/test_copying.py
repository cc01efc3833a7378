"""The static copy: written where something changed, whole or not at all, tried again where it cannot be."""

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.test import override_settings
from moto.server import ThreadedMotoServer

from incidents.domain.words import WordStatus
from statuspage.bodies import write_bodies
from statuspage.copying import write_copy
from statuspage.models import CopiedFile, CopyState
from statuspage.page_file import PageFile
from statuspage.queries import read_facts
from statuspage.settings_queries import find_copy
from tests.factories.core import NOW
from tests.factories.statuspage import make_public, say, trouble

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
BACKEND = f"{FileSystemStorage.__module__}.{FileSystemStorage.__qualname__}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "copy"
    storage = {"BACKEND": BACKEND, "OPTIONS": {"location": str(place)}}
    with override_settings(STORAGES=settings.STORAGES | {"status_page": storage}):
        yield place


def test_copy__first__is_every_file_readable_by_a_web_server(folder: Path) -> None:
    make_public()

    written = write_copy(now=NOW)

    bodies = write_bodies(read_facts(now=NOW))
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == bodies
    assert written == len(bodies)
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.html")} == {0o644}


def test_copy__something_said__writes_what_changed_alone(folder: Path) -> None:
    environment = make_public()
    write_copy(now=NOW)
    assert write_copy(now=NOW + timedelta(seconds=3)) == 0
    say(trouble(environment), WordStatus.IDENTIFIED, now=NOW + MINUTE)

    assert 0 < write_copy(now=NOW + MINUTE) < CopiedFile.objects.count()

    told = json.loads((folder / "api/v2/incidents/unresolved.json").read_text())
    assert [one["status"] for one in told["incidents"]] == ["identified"]
    assert "Nous cherchons." in (folder / "index.html").read_text()


def test_copy__cannot_be_written__is_noted_and_tried_again_later(folder: Path) -> None:
    make_public()
    folder.write_text("in the way")

    assert [write_copy(now=NOW), write_copy(now=NOW + timedelta(seconds=3))] == [0, 0]
    state = CopyState.objects.get()
    assert (state.failures, state.next_attempt_at) == (1, NOW + timedelta(seconds=5))
    assert find_copy().state == state
    folder.unlink()
    assert write_copy(now=NOW + timedelta(seconds=6)) > 0
    state.refresh_from_db()

    assert (state.failures, state.last_error) == (0, "")


def test_copy__while_another_writes__waits_and_follows_one_that_died(folder: Path) -> None:
    make_public()
    write_copy(now=NOW)
    CopyState.objects.update(leased_until=NOW + MINUTE)
    CopiedFile.objects.all().delete()

    assert write_copy(now=NOW + timedelta(seconds=30)) == 0
    assert write_copy(now=NOW + MINUTE) > 0


def test_copy__into_a_bucket__has_its_types_and_is_replaced(tmp_path: Path) -> None:
    environment = make_public()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-3"}
    login = {"access_key": "portal", "secret_key": secrets.token_hex(8)}
    client = boto3.client("s3", aws_access_key_id="portal", aws_secret_access_key=login["secret_key"], **options)
    client.create_bucket(Bucket="status", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    shape: dict[str, Any] = settings.STATUS_PAGE_S3_STORAGE
    place = shape["OPTIONS"] | {"bucket_name": "status", "location": "here", **options, **login}
    with override_settings(STORAGES=settings.STORAGES | {"status_page": shape | {"OPTIONS": place}}):
        first = write_copy(now=NOW)
        say(trouble(environment), WordStatus.IDENTIFIED, now=NOW + MINUTE)
        second = write_copy(now=NOW + MINUTE)
        assert find_copy().place == "s3://status/here"
    feed = client.get_object(Bucket="status", Key="here/feed.atom")
    page = client.get_object(Bucket="status", Key="here/index.html")
    body = page["Body"].read().decode()
    client.close()
    server.stop()

    assert 0 < second < first
    assert feed["ContentType"] == "application/atom+xml; charset=utf-8"
    assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "public, max-age=15")
    assert "Nous cherchons." in body


def test_file__on_disk__comes_back_and_a_harmed_one_is_passed_over(tmp_path: Path) -> None:
    file = PageFile(tmp_path / "statuspage")
    assert file.read() is None
    file.write({"index.html": b"page"})

    found = file.read()
    (tmp_path / "statuspage" / "page.msgpack").write_bytes(b"\xc1")

    assert found is not None
    assert found[0] == {"index.html": b"page"}
    assert file.read() is None
