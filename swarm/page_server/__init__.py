"""The report in a browser on this machine: requests held to its address, and changes as they come."""
