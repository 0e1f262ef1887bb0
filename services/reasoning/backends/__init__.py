"""Ways to ask a vision-language model, behind one Protocol."""
