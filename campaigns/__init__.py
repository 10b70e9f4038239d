"""Scores in, segments and a plan out. Empty so far: the scores' tier, segment and lifecycle are null."""
