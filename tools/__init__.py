"""Developer tools: the demonstration, and what is made from the code."""
