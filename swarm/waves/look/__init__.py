"""Reading verbs: status, findings, show, history, report and their like."""
