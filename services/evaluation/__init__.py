"""Offline: what the product achieves, measured on test pictures and by readers that it does not use itself."""
