"""Frozen values that cross a process: what is stored, queued and sent. Imports pydantic and nothing heavier."""
