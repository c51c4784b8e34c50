"""Guards: what may be kept, and what must not."""
