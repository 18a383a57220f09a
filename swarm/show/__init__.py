"""How a result is shown: text, markdown, SARIF, JSON documents."""
