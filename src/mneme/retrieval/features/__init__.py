"""Features: what a ranker knows of a candidate besides the scores of the channels, one view each.

Every feature gives ``(m,) float32`` for the candidates, zero where it sees nothing, on a scale that does not depend on the space, so that
one set of weights serves seven memories and a hundred thousand.
"""
