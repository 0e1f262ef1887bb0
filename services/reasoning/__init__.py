"""The reasoning agent: regions to diagnoses (paper 4.3)."""
