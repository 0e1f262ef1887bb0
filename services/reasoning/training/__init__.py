"""Alignment of the reasoning agent's model: supervised, then by GRPO (paper 4.3). Nothing that serves imports this."""
