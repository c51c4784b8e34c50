"""Formation: what episodes say becomes statements, summaries and segments, by rule or by model."""
