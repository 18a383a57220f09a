"""Coding agents: for each program its command line, its stream read into events, and its login."""
