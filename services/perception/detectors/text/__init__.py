"""The text detector: reads what is written, and compares it with the words that the prompt wants."""
