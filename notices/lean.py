"""Everything under `/notices/v1/`: the lean routes of tills."""

from notices import current, intake, script, stream

LEAN_ROUTES = [*current.LEAN_ROUTES, *stream.LEAN_ROUTES, *script.LEAN_ROUTES, *intake.LEAN_ROUTES]
