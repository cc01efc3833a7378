"""A flag of the demo, moved as people move it: a rule on its page, then the switch at the shell."""

import re
from urllib.parse import urlencode

from tests.scenarios.stage import Stage

#: No rollout of the demo plays there: what a test sets stays.
ENV = "dev"
VERSION = re.compile(r'name="version" value="(\d+)"')


def serve_to_everyone(stage: Stage, flag: str) -> None:
    """Lay the rule that everyone gets `on`; it switches the flag on."""
    path, asked = f"/flags/{flag}/rule/", {"environment": ENV, "audience": "everyone", "variant": "on"}
    with stage.sign_in("manager") as manager:
        page = f"{path}?{urlencode(asked)}"
        version = VERSION.search(manager.read(page))
        assert version
        manager.send(path, {**asked, "version": version.group(1), "reason": "Tried out", "do": "save"}, seen_on=page)


def switch(stage: Stage, flag: str, *, to: str) -> None:
    """Switch a flag on, or off with its kill switch."""
    done = stage.manage("flag", to, flag, "--env", ENV, "--reason", "Tried out")
    assert done.returncode == 0, done.stderr
