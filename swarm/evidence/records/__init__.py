"""Records: submissions of runs, judged by a verifier and kept as files below a root."""
