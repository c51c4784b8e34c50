"""Importers: the formats of conversations and notes that mneme reads, one file each, and the intake that stores them."""

from mneme.importers.formats import EXPORT, FORMATS, count, detect, read
from mneme.importers.intake import Intake, take_in
from mneme.importers.item import Item, Problem, Report

__all__ = ["EXPORT", "FORMATS", "Intake", "Item", "Problem", "Report", "count", "detect", "read", "take_in"]
