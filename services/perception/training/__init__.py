"""Training of the perception agent's networks. Nothing that serves imports this."""
