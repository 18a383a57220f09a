"""View of the user's git, read at dispatch and kept for the wave: an agent that edits the settings changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm.git.repository import Repository
from swarm.git.user_view import FILES, UserView, user_view
from swarm.scratch import scratch_folder
from swarm.store.wave_documents import KeptView
from swarm.store.waves import Wave

# A row of the database holds the texts; a list of ignored names is far smaller.
_LONGEST: Final = 256 * 1024


def view_to_keep(repository: Repository) -> KeptView:
    """Return the view of the user at dispatch, with the texts of the ignore file and the attributes file."""
    view = user_view(repository.root, str(repository.common_dir))
    places = dict(view.settings)
    texts = {name: _text_of(Path(places[key])) for key, name in FILES.items()}
    return KeptView(view.settings, view.filters, view.merge_drivers, **texts)


@contextmanager
def as_at_dispatch(wave: Wave, repository: Repository) -> Iterator[Repository]:
    """Give the repository with the view that a wave keeps; a wave of an older database is seen as the user sees now."""
    kept = wave.sentinel.view
    if kept is None:
        yield repository
        return
    with scratch_folder() as folder:
        places = {}
        for key, name in FILES.items():
            text = getattr(kept, name)
            if text is not None:
                (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
                places[key] = str(folder / name)
        settings = tuple((key, places.get(key, value)) for key, value in kept.settings)
        yield repository._replace(view=UserView(settings, kept.filters, kept.merge_drivers))


def _text_of(file: Path) -> str | None:
    """Return the text of a file, `None` where it is too long to be kept."""
    try:
        with file.open("rb") as stream:
            body = stream.read(_LONGEST + 1)
    except OSError:
        return ""
    return None if len(body) > _LONGEST else body.decode("utf-8", "surrogateescape")
