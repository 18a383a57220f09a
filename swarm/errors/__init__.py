"""The catalogue of errors: each class states one fact; its text, severity, exit code and hint live with it.

`swarm explain CODE`, `docs/errors.md`, the renderer and the tests are made from `CATALOGUE`. A class without
a code only gathers its children (`DispatchPreconditionError`). The chapters are modules, and every class is imported
from here: a chapter that nobody imported would be missing in the catalogue.
"""

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
