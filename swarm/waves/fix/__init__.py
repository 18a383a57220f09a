"""The whole way of findings in a call: approved, dispatched, fixed by agents, merged, verified, delivered."""
