"""Organisation: fitting new memories to those that are there: duplicates, supersession, contradictions, links."""
