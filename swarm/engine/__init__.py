"""The engine: a queue between the machine that coordinates a wave and those that work on it."""
