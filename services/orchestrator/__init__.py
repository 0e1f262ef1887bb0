"""The order of the loop, its runner and its record; knows no pixels and no models."""
