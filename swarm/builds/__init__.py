"""Builds: adapters for kinds of projects, the run of their steps, and the reading of the results."""
