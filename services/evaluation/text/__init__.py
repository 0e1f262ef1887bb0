"""The evaluation of written words: words set into real photographs, repaired by the product, read by another reader."""
