"""Refusals of the engine: none was made, none runs, nothing to run it with."""

import json
import sys

from swarm.engine import place
from swarm.installed import install_command
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def engine_unknown(scene: Scene) -> Refusal:
    return Refusal(
        ("engine", "status"),
        """[ENGINE_UNKNOWN]: There is no engine: no engine was made on this machine
  Next: `swarm engine up` makes one and starts it""",
        {"problem": "no engine was made on this machine"},
    )


@refused
def engine_unreachable(scene: Scene) -> Refusal:
    folder = place.made_folder()
    engine = place.Engine("0123abcd", "127.0.0.1", "127.0.0.1", 4222, "U", {})
    (folder / "engine.json").write_text(json.dumps(engine.document()))
    return Refusal(
        ("engine", "invite", "one", "--tag", "fast"),
        """[ENGINE_UNREACHABLE]: The engine at tls://127.0.0.1:4222 does not answer: it does not run
  Next: `swarm engine status` shows whether it runs, `swarm engine up` starts it on its own machine""",
        {"url": "tls://127.0.0.1:4222", "problem": "it does not run"},
    )


@refused
def scale_unavailable(scene: Scene) -> Refusal:
    # `None` makes an import fail as that of a missing package does.
    scene.monkeypatch.setitem(sys.modules, "nkeys", None)
    cause = "import of nkeys halted; None in sys.modules"
    remedy = install_command("[scale]")
    return Refusal(
        ("engine", "up"),
        f"""[SCALE_UNAVAILABLE]: An engine needs `nkeys`, which is not installed
  Next: {remedy}
  Caused by: {cause}""",
        {"package": "nkeys", "cause": cause},
        exit=2,
    )
