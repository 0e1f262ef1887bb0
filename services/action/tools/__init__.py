"""Repair tools, one a file, behind `services.action.tools.base.Tool`."""
