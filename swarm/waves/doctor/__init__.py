"""Doctor: checks of the control plane, and their repairs."""
