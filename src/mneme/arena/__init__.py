"""The arena: every memory design measured on the same real data.

A task is a dataset loader, a feeding protocol and scorers. A run is task x recipe x seed; it appends one record per sample to a
log, and every table and plot is made from logs.
"""
