"""Agents that manage their memory themselves: tools with JSON schemas over a space, and the loop in which a model calls them."""
