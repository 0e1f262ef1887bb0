"""Evaluation of the whole loop: repairs, fidelity, ratings, sabotage, and people's preference (Tables 1 and 2)."""
