"""The gateway: knows HTTP, nothing of models."""
