"""Triage: decisions on findings, decision files, leases."""
