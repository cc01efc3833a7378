"""Due work of the status page."""

from celery import shared_task

from core import clock
from statuspage.copying import write_copy
from statuspage.installing import install_components
from statuspage.telling import tell_readers as tell


@shared_task
def publish_page() -> int:
    """Give new sites their component, then write the static copy where anything changed; return how many files."""
    install_components(now=clock.now())
    return write_copy(now=clock.now())


@shared_task
def tell_readers() -> int:
    """Tell who subscribed what stands newly on the page; return how many words are new."""
    return tell(now=clock.now())
