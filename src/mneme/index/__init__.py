"""The index in memory: columns, posting lists and vector codes, derived from rows and kept current from the journal."""
