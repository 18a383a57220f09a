"""Triage: decisions on findings, files of decisions, leases."""
