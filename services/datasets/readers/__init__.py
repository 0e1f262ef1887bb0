"""Readers of published data sets: each yields `SourceImage`s, and `write_converted` puts them into the schema.

`services.datasets.readers.catalogue` knows them by name. Nothing here downloads anything.
"""
