"""How an agent is launched and supervised."""
