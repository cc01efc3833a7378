"""Which share of people somebody falls into: the same everywhere, as flagd's `fractional` defines it."""

from collections.abc import Callable, Mapping

from mmh3 import hash as murmur3

#: Basis points: what the weights of a split sum to.
TOTAL_BP = 10_000

_TWO_ITEMS = b"\x82"
_TEXT = 0x60
#: The heads of texts below 256 bytes, by their size.
_SHORT_HEADS = [bytes((_TEXT + size,)) if size < 24 else bytes((_TEXT + 24, size)) for size in range(0x100)]


def find_bucket(*, flag_key: str, targeting_key: object) -> int | None:
    """Return the stable bucket of a targeting key: an int in [0, 10_000), basis points.

    None without a usable key: missing, empty, no text, or text that UTF-8 cannot write.
    murmur3-32 over CBOR of [flag key, targeting key]. Pinned by tests/vectors/bucketing.json: a
    change would reshuffle every live rollout.
    """
    return compile_bucket(flag_key)(targeting_key)


def compile_bucket(flag_key: str) -> Callable[[object], int | None]:
    """Return `find_bucket` for one flag: what does not depend on the person is written once."""
    head, short_heads = _TWO_ITEMS + _encode_text(flag_key), _SHORT_HEADS

    def find(targeting_key: object) -> int | None:
        if not isinstance(targeting_key, str) or not targeting_key:
            return None
        try:
            raw = targeting_key.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry
            return None
        size = len(raw)
        tail = short_heads[size] + raw if size < 0x100 else _encode_text(targeting_key)
        return (murmur3(head + tail, 0, False) * TOTAL_BP) >> 32

    return find


def _encode_text(text: str) -> bytes:
    """Return a text in CBOR (RFC 8949, major type 3, shortest head)."""
    raw = text.encode()
    size = len(raw)
    if size < 0x100:
        return _SHORT_HEADS[size] + raw
    if size < 0x1_0000:
        return bytes((_TEXT + 25,)) + size.to_bytes(2, "big") + raw
    return bytes((_TEXT + 26,)) + size.to_bytes(4, "big") + raw


def check_split(split: object, *, variants: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Return a split as read from outside; raise SplitFault where it is none.

    A list of [variant, weight]: each variant once, weights in basis points that sum to 10_000.
    """
    if not isinstance(split, list | tuple) or not split:
        raise SplitFault
    pieces: dict[str, int] = {}
    for piece in split:
        if not isinstance(piece, list | tuple) or len(piece) != 2:
            raise SplitFault
        name, weight = piece
        if not isinstance(name, str) or name not in variants or name in pieces:
            raise SplitFault
        if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
            raise SplitFault
        pieces[name] = weight
    if sum(pieces.values()) != TOTAL_BP:
        raise SplitFault
    return tuple(pieces.items())


def share_of(variant: str, share_bp: int, *, rest: str) -> tuple[tuple[str, int], ...]:
    """Return the split that gives a share of people a variant, all others `rest`; a larger one keeps whom it had."""
    return ((variant, share_bp), (rest, TOTAL_BP - share_bp))


class SplitFault(Exception):
    """Not a split: an unknown or repeated variant, or weights that do not sum to 10_000."""
