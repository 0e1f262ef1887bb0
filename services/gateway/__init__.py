"""The HTTP API. Knows HTTP and the ports; nothing of models, agents or the loop."""
