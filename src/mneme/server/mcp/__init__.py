"""MCP: the verbs as tools, memories and profiles as resources, and prompts, for any agent that speaks the protocol."""
