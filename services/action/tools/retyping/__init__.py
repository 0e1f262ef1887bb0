"""How `retype` sees and sets letters: rectified frame, ink, measured line, typeface, setting, erasure. Pixels only."""
