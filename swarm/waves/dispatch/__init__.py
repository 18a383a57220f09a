"""Dispatch: preconditions, worktrees, prompts, the wave and its agent runs."""
