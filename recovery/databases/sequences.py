"""Numbers that were given out are never given out again."""

from recovery.databases.figures import identify, read_sequences
from recovery.databases.sessions import Session


def advance_sequences(session: Session, *, past: dict[str, int | None]) -> dict[str, int]:
    """Set each sequence that is behind to the last number of the other database; return those that were moved."""
    moved: dict[str, int] = {}
    for name, own in read_sequences(session).items():
        other = past.get(name)
        if other is not None and other > (own or 0):
            text = identify(name).as_string(session)
            session.execute("SELECT setval(%s::regclass, %s)", [text, other])
            moved[name] = other
    return moved
