"""Offline data: the project's schema, the procedural blemish benchmark, statistics. Serves no request."""
