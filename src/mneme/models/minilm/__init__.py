"""all-MiniLM-L6-v2, packed: ``model.onnx`` (8-bit), ``vocab.txt``, ``model.json`` (what they are), ``NOTICE`` (licence and origin)."""
