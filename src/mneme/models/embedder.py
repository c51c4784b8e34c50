"""Names of embedding models to models."""

from __future__ import annotations

from mneme.core.errors import UnknownComponent
from mneme.core.ports import Embedder


def resolve_embedder(spec: str | Embedder | None) -> Embedder:
    """Return the embedder that a caller names, or the object itself."""
    if spec is None:
        spec = "local"
    if not isinstance(spec, str):
        return spec
    provider, _, rest = spec.partition(":")
    if provider == "local":
        from mneme.models.local import LocalEmbedder

        return LocalEmbedder()
    if provider == "hash":
        from mneme.models.hashing import HashEmbedder

        return HashEmbedder(int(rest or 256))
    raise UnknownComponent("embedder", spec, ("local", "hash"))
