"""Reviews: the findings that a reviewer is asked about, and the verdicts that count."""
