"""Generated tasks: data with known truth, made from a seed, so that fresh data can always judge."""
