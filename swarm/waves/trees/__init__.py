"""Worktrees of agents: made, filled, indexed, removed."""
