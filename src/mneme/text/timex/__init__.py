"""Grammar of time expressions, one module per language family; the public face is ``mneme.text.time_expressions``."""
