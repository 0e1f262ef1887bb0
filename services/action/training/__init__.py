"""Training of the action agent's tools. Nothing that serves imports this."""
