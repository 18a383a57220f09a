"""Result records of the use cases: one module for each verb, no behaviour but derived fields."""
