"""The use cases behind the verbs, each a short story: check, prepare, commit, report."""
