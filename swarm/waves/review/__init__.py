"""Reviews: which findings a reviewer is asked about, and which of the verdicts count."""
