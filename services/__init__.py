"""The agents, the orchestrator and the ways of running them."""
