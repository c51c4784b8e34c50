"""The inspector: a web page that shows what a memory holds, why a recall found it, and what changed; and lets a person mend it."""
