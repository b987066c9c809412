"""The design page answers where things are: with paths that exist."""

from page_tables import table_rows
from places import ROOT

PAGE = (ROOT / "docs" / "explanation" / "design.md").read_text("utf-8")


def test_each_question_of_a_newcomer_is_answered_by_a_path_that_exists() -> None:
    rows = table_rows(PAGE, "Where is …?")
    assert len(rows) == 35
    for question, answer in rows:
        assert question.startswith("Where ")
        assert question.endswith("?")
        path = answer.strip("`")
        assert answer == f"`{path}`"
        assert (ROOT / path).exists(), answer
    assert len({answer for _, answer in rows}) == len(rows)
