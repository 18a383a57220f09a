"""Verbs that read: status, findings, show, history, report; `runs` also sets the time-out policy."""
