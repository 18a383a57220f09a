"""Developer tools: the demonstration, generated files, measures of the tree."""
