"""The verbs of a coordinator as tools of the Model Context Protocol, for coding agents that drive waves."""
