"""Recipes: named compositions of components, one short file each."""
