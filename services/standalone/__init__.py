"""The server of one process: the gateway over the loop and the agents, on SQLite and a folder."""
