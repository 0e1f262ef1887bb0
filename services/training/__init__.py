"""What the training runs of several agents share. Nothing that serves imports this."""
