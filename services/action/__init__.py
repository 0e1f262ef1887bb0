"""The action agent: diagnoses to patches (paper 4.3)."""
