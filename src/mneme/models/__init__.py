"""Models: embedders, language models, what they cost and how their replies are read."""
