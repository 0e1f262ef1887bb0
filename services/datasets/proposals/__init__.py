"""Regions as detectors propose them, matched to the truth: what the reasoning agent is trained and measured on.

Never an exact silhouette: jittered, too large, too small, merged, and on sound things, too.
"""
