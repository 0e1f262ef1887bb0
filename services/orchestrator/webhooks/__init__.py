"""Tells webhooks of jobs' events (Standard Webhooks v1): signing, schedule, sending. Knows no loop and no agents."""
