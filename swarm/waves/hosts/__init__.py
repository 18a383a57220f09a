"""A launch on other machines: orders to workers, and what comes back."""
