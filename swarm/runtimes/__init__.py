"""Runtimes: the ways to launch an agent, and the supervision of its processes."""
