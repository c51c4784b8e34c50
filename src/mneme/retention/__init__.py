"""Retention: strength, budgets, consolidation, tiers and policies that keep a space small, current and fast."""
