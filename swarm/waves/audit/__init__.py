"""The whole main job in a call: audit HEAD, and compare the findings with a baseline."""
