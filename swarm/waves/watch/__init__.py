"""Watch: a launch looked at from outside, and decisions that its agents wait for."""
