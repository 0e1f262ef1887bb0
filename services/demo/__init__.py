"""`retoucher demo`: pictures with a flaw that must come back repaired, and right ones that must come back untouched."""
