"""Evaluation of the reasoning agent: Table 4 of the paper, and Table 3's rows of models that are asked for boxes."""
