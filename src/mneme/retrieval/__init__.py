"""Retrieval: channels that score, rankers that fuse, packers that render."""
