"""Language: words, stems, terms, sentences, time expressions and token counts."""
