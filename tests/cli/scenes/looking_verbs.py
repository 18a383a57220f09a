"""Verbs that only look, by which a first look at a stranger's repository is tried."""

LOOKS = (
    ("runtimes",),
    ("doctor",),
    ("status",),
    ("runs",),
    ("findings",),
    ("domains",),
    ("verify", "--probe-only"),
    ("trust", "--check"),
)
