"""Check the language of the documentation: spelling, style, terms and the length of sentences.

.venv/bin/python tools/prose.py              # check; ends with 1 if anything is found
.venv/bin/python tools/prose.py --lengths    # print the words per sentence of each page

Spelling is checked by codespell and style by proselint. CONTRIBUTING.md lists the preferred terms.
"""

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

MEAN_LENGTH = 20
"""The mean number of words per sentence of each page is below this."""

LONGEST = 40
"""No sentence has more words than this."""

CODE_FENCE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
COMMENT = re.compile(r"<!--.*?-->", re.S)
INLINE_CODE = re.compile(r"(`+).+?\1", re.S)
LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
ADDRESS = re.compile(r"<?https?://[^\s>)]+>?")
ABBREVIATION = re.compile(r"\b(et al|cf|e\.g|i\.e|vs|No|[A-Z])\.")
HEADING = re.compile(r"^#+ .*$", re.M)
LIST_ITEM = re.compile(r"^ *(?:[-*]|\d+\.) +")


class Sentence(NamedTuple):
    """A sentence and the number of its words."""

    text: str
    words: int


class Finding(NamedTuple):
    """A line of a file, and the problem there."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def pages() -> list[Path]:
    """Return the pages of the documentation."""
    folders = (ROOT / "docs", ROOT / "otb_pipelines" / "native")
    return sorted([*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))])


def without_code(text: str, code: str = "code") -> str:
    """Return Markdown without code, comments and addresses, on the same lines.

    Parameters
    ----------
    text
        Markdown.
    code
        What takes the place of code within a line.
    """

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    text = COMMENT.sub(blank, CODE_FENCE.sub(blank, text))
    text = INLINE_CODE.sub(lambda match: code + blank(match), text)
    return ADDRESS.sub("", LINK.sub(r"\1", text))


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs and the list items of Markdown, without headings and tables."""
    lines: list[str] = []
    for line in [*without_code(text).splitlines(), ""]:
        item = LIST_ITEM.match(line)
        ends = not line.strip() or line.lstrip().startswith(("#", "|", ">"))
        if (ends or item) and lines:
            yield " ".join(lines)
            lines = []
        if not ends:
            lines.append(line[item.end() :] if item else line.strip())


def sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of Markdown. A colon before a list, and the end of a list item, end a sentence."""
    for paragraph in paragraphs(text):
        plain = ABBREVIATION.sub(r"\1", paragraph.replace("*", ""))
        for sentence in re.split(r"(?<=[.!?])[\")]?\s+(?=[\"(]?[\w])", plain):
            words = len([word for word in sentence.split() if re.search(r"\w", word)])
            if words:
                yield Sentence(sentence, words)


def mean_length(text: str) -> float:
    """Return the mean number of words per sentence of Markdown; 0 without a sentence."""
    lengths = [sentence.words for sentence in sentences(text)]
    return sum(lengths) / max(len(lengths), 1)


def length_findings(page: Path) -> Iterator[Finding]:
    """Yield the sentences of a page that are too long."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    mean = mean_length(text)
    if mean >= MEAN_LENGTH:
        yield Finding(name, 1, f"{mean:.1f} words per sentence; the mean must be below {MEAN_LENGTH}")
    for sentence in sentences(text):
        if sentence.words > LONGEST:
            yield Finding(
                name, 1, f"{sentence.words} words in one sentence; {LONGEST} at most: {sentence.text[:60]}..."
            )


def unwanted_terms() -> dict[str, str]:
    """Return the preferred term by each term to avoid, from the table in CONTRIBUTING.md."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Language")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.M)
    return {term.strip(): wanted for wanted, terms in rows[2:] for term in terms.split(",")}


def term_findings(terms: dict[str, str]) -> Iterator[Finding]:
    """Yield the places of terms to avoid in pages, and in the strings and docstrings of the packages."""
    if not terms:
        return
    pattern = re.compile(rf"(?<![\w`-])({'|'.join(map(re.escape, terms))})(?![\w`-])", re.I)
    for page in pages():
        for number, line in enumerate(without_code(page.read_text(encoding="utf-8")).splitlines(), 1):
            if not (page.name == "CONTRIBUTING.md" and line.startswith("|")):
                yield from _in_line(pattern, terms, str(page.relative_to(ROOT)), number, line)
    for folder in ("alcd_otb", "otb_pipelines"):
        for module in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from _in_line(pattern, terms, str(module.relative_to(ROOT)), node.lineno, node.value)


def _in_line(pattern: re.Pattern[str], terms: dict[str, str], file: str, number: int, text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        yield Finding(file, number, f"'{match[0]}': write {terms[match[0].lower()]}")


def spelling_findings() -> Iterator[str]:
    """Yield the findings of codespell; its exceptions are in pyproject.toml."""
    ended = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *_text_files()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ended.returncode not in (0, 65):
        raise SystemExit(f"codespell failed: {ended.stderr.strip()}")
    yield from ended.stdout.splitlines()


def _text_files() -> Sequence[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    endings = (".md", ".py", ".cpp", ".hpp", ".yml", ".toml", ".sh", ".html", ".js", ".css")
    return [name for name in listed.split("\0") if name.endswith(endings) and (ROOT / name).is_file()]


def style_findings() -> Iterator[str]:
    """Yield the findings of proselint in the pages; its exceptions are in .proselintrc.json."""
    with tempfile.TemporaryDirectory() as folder:
        for page in pages():
            copy = Path(folder, page.relative_to(ROOT))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(HEADING.sub("", without_code(page.read_text(encoding="utf-8"), code="…")), encoding="utf-8")
        arguments = ["--config", ROOT / ".proselintrc.json", "--output-format", "compact", "check", folder]
        ended = subprocess.run(
            [sys.executable, "-m", "proselint", *arguments], capture_output=True, text=True, check=False
        )
        if ended.stderr.strip():
            raise SystemExit(f"proselint failed: {ended.stderr.strip()}")
        real = str(Path(folder).resolve())
        yield from (line.removeprefix(f"{real}/") for line in ended.stdout.splitlines() if line.startswith(real))


def main(lengths: bool) -> int:
    """Print the lengths, or what is found, and return the exit code."""
    if lengths:
        for page in pages():
            found = list(sentences(page.read_text(encoding="utf-8")))
            longest = max(found, key=lambda one: one.words, default=Sentence("", 0))
            mean = mean_length(page.read_text(encoding="utf-8"))
            print(f"{page.relative_to(ROOT)!s:42} {mean:5.1f}  longest {longest.words:3}  sentences {len(found):4}")
        return 0
    found = [str(one) for page in pages() for one in length_findings(page)]
    found += [str(one) for one in term_findings(unwanted_terms())]
    found += [*spelling_findings(), *style_findings()]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Check the language of the documentation.")
    parser.add_argument("--lengths", action="store_true", help="print the words per sentence of each page")
    sys.exit(main(parser.parse_args().lengths))
