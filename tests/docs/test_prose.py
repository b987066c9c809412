"""The language of the pages: the length of their sentences, and the terms to avoid."""

from pathlib import Path

import pytest
from places import ROOT
from prose import MEAN_LENGTH, mean_length, pages, sentences, term_findings, unwanted_terms

PAGE = """# A heading is no sentence

One two `three four` five. See [six
seven](page.md#anchor), e.g. here!

| a table | is no sentence |
| --- | --- |

1. Eight nine:
2. ten

```sh
code is no sentence
```

Olofsson et al. (2014) say it. <!-- nor is this. -->
"""


def test_sentences_are_told_from_code_tables_and_headings() -> None:
    assert [sentence.words for sentence in sentences(PAGE)] == [4, 5, 2, 1, 6]
    assert mean_length(PAGE) == pytest.approx(18 / 5)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page: Path) -> None:
    assert mean_length(page.read_text("utf-8")) < MEAN_LENGTH


def test_terms_are_the_preferred_ones() -> None:
    terms = unwanted_terms()
    assert terms["foretell"] == "predict"
    assert [str(finding) for finding in term_findings(terms)] == []
