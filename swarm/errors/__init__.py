"""The catalogue of errors: each class states one fact; its text, severity, exit code and hint live with it.

`swarm explain CODE`, `docs/errors.md`, the renderer and the tests are made from `CATALOGUE`. A class without
a code only gathers its children (`DispatchPreconditionError`). The chapters are modules, and every class is imported
from here. A command that succeeds names no error, so the chapters are loaded at the first mention of one: all of them,
or a chapter would be missing in the catalogue.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarm.errors.agent_output import *
    from swarm.errors.baselines import *
    from swarm.errors.catalogue import *
    from swarm.errors.collect import *
    from swarm.errors.command_line import *
    from swarm.errors.control_plane import *
    from swarm.errors.dispatch import *
    from swarm.errors.domains import *
    from swarm.errors.engine import *
    from swarm.errors.export import *
    from swarm.errors.fix import *
    from swarm.errors.launch import *
    from swarm.errors.lessons import *
    from swarm.errors.mcp import *
    from swarm.errors.plans import *
    from swarm.errors.proof import *
    from swarm.errors.records import *
    from swarm.errors.recovery import *
    from swarm.errors.repositories import *
    from swarm.errors.runs import *
    from swarm.errors.signing import *
    from swarm.errors.states import *
    from swarm.errors.trust import *
else:
    # Without CATALOGUE, which is whole only after the chapters.
    from swarm.errors.catalogue import ICONS, ExtraMissing, Severity, SwarmError, shortened

    def __getattr__(name: str) -> object:
        """Load every chapter, and return what one of them names."""
        from importlib import import_module
        from pkgutil import iter_modules

        if not name.startswith("__"):
            for chapter in iter_modules(__path__):
                members = vars(import_module(f"{__name__}.{chapter.name}"))
                globals().update((key, value) for key, value in members.items() if not key.startswith("_"))
        if name not in globals():
            raise AttributeError(name=name, obj=__name__)
        return globals()[name]
