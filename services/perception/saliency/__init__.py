"""The distortion saliency network (paper 4.2) and what turns its map into regions."""
