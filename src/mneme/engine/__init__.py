"""The engine's parts: preparing input, keeping the index current, recalling, erasing, undoing, proving, moving."""
