"""The perception agent: image and prompt to regions (paper 4.2)."""
