"""Standard output: text in any encoding, and an error of its own where the place behind it takes no more."""

import sys

from swarm import errors


def put(text: str) -> None:
    """Write text to stdout. Raises StdoutNotWritable; a reader that left is a BrokenPipeError."""
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise errors.StdoutNotWritable(problem=error.strerror or str(error)) from error


def flush() -> None:
    """Write what is buffered. Raises StdoutNotWritable; a reader that left is a BrokenPipeError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise errors.StdoutNotWritable(problem=error.strerror or str(error)) from error
