"""Records that the use cases return: one module a verb, no behaviour but derived fields."""
