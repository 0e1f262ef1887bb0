"""The real and in-memory sides of the ports; an untyped library is confined to its adapter."""
