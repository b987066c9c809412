"""The project's routine: checks before a commit and before a merge, forms for issues, and versions."""

import re
import shlex
import tomllib
from typing import Any

import pytest
import yaml
from places import ROOT

GITHUB, GITLAB = ROOT / ".github", ROOT / ".gitlab"
FORMS = ("bug_report", "feature_request", "wrong_mask")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
PACKAGED = ("alcd_otb", "otb_pipelines", "param_templates", "examples", "tools")
# As https://semver.org gives it, without the metadata of a build.
SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"


def loaded(*path: str) -> Any:
    return yaml.safe_load(ROOT.joinpath(*path).read_text("utf-8"))


@pytest.fixture(scope="module")
def github_job() -> dict[str, Any]:
    [job] = loaded(".github", "workflows", "ci.yml")["jobs"].values()
    return job


@pytest.fixture(scope="module")
def gitlab_job() -> dict[str, Any]:
    return loaded(".gitlab-ci.yml")["check"]


def test_both_forges_run_the_same_commands_on_debian_12(github_job: dict[str, Any], gitlab_job: dict[str, Any]) -> None:
    on_github = [line for step in github_job["steps"] for line in step.get("run", "").splitlines()]
    assert on_github == gitlab_job["before_script"] + gitlab_job["script"]
    assert github_job["container"] == gitlab_job["image"] == "debian:12"
    assert f"{github_job['timeout-minutes']} minutes" == gitlab_job["timeout"] == "60 minutes"


def test_of_the_project_they_call_the_checks_before_a_merge_alone(gitlab_job: dict[str, Any]) -> None:
    *preparation, last = gitlab_job["before_script"] + gitlab_job["script"]
    assert last == ".ci/run"
    assert (ROOT / last).stat().st_mode & 0o111
    assert all(command.startswith("apt-get ") for command in preparation)
    # git and make, as the README says, and the certificates that git needs to fetch by https.
    installed = {word for word in shlex.split(preparation[-1])[2:] if not word.startswith("-")}
    assert installed == {"ca-certificates", "git", "make"}


def test_superseded_runs_end_and_a_failed_installation_leaves_its_log(
    github_job: dict[str, Any], gitlab_job: dict[str, Any]
) -> None:
    assert loaded(".github", "workflows", "ci.yml")["concurrency"]["cancel-in-progress"] is True
    assert loaded(".gitlab-ci.yml")["workflow"]["auto_cancel"]["on_new_commit"] == "interruptible"
    assert gitlab_job["interruptible"] is True
    log = re.findall(r"^log=(.+)$", (ROOT / "tools" / "install.sh").read_text("utf-8"), re.M)
    assert gitlab_job["artifacts"]["paths"] == log
    assert gitlab_job["artifacts"]["when"] == "on_failure"
    *_, upload = github_job["steps"]
    assert [upload["with"]["path"]] == log
    assert upload["if"] == "failure()"


def test_actions_are_pinned_by_major_version(github_job: dict[str, Any]) -> None:
    used = [step["uses"] for step in github_job["steps"] if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []


def hooks() -> list[dict[str, Any]]:
    [repository] = loaded(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_the_entry_of_a_hook_exists(hook: dict[str, Any]) -> None:
    program, *arguments = shlex.split(hook["entry"])
    assert hook["language"] == "system"
    assert program.startswith(".venv/bin/")
    assert (ROOT / program).exists()
    files = [argument for argument in arguments if "/" in argument]
    assert [file for file in files if not (ROOT / file).is_file()] == []
    if "files" in hook:
        folders = ("alcd_otb", "otb_pipelines", "docs", "tools")
        files = [str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.*")]
        assert any(re.search(hook["files"], path) for path in files)


def test_the_hooks_check_what_make_lint_checks() -> None:
    [recipe] = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.M)

    def checks(commands: list[str]) -> set[tuple[str, ...]]:
        kept = ("check", "format", "--check", "--dry-run", "-Werror")
        words = (shlex.split(command) for command in commands)
        return {(program, *(word for word in rest if word in kept)) for program, *rest in words}

    linted = checks([line.strip("\t@").replace("$(PYTHON)", ".venv/bin/python") for line in recipe.splitlines()])
    hooked = checks([hook["entry"] for hook in hooks()])
    # clang-tidy needs a configured build, and takes minutes.
    with_a_build = {("cmake",), (".venv/bin/run-clang-tidy.py",)}
    assert with_a_build <= linted
    # What the other hooks of Python check, the tests do.
    assert linted - with_a_build <= hooked
    assert {check for check in hooked - linted if check[0] != ".venv/bin/python"} == set()


def test_both_forges_have_the_same_forms() -> None:
    assert {file.stem for file in (GITHUB / "ISSUE_TEMPLATE").iterdir()} == {*FORMS, "config"}
    assert {file.stem for file in (GITLAB / "issue_templates").iterdir()} == set(FORMS)
    for form in FORMS:
        fields = loaded(".github", "ISSUE_TEMPLATE", f"{form}.yml")["body"]
        labels = [field["attributes"]["label"] for field in fields if field["type"] != "markdown"]
        headings = re.findall(r"^## (.+)$", (GITLAB / "issue_templates" / f"{form}.md").read_text("utf-8"), re.M)
        assert headings == labels
    request, merge = (GITHUB / "pull_request_template.md", GITLAB / "merge_request_templates" / "Default.md")
    assert request.read_text("utf-8") == merge.read_text("utf-8")


def test_a_bug_report_asks_for_what_tells_the_cause() -> None:
    for file in (GITHUB / "ISSUE_TEMPLATE" / "bug_report.yml", GITLAB / "issue_templates" / "bug_report.md"):
        text = file.read_text("utf-8")
        asked = ("whole command", "-vv", "-m alcd_otb doctor", "-m alcd_otb --version", "scene.json", "products")
        assert [words for words in asked if words not in text] == []


def test_the_version_is_semantic_and_stands_in_one_place() -> None:
    assert re.fullmatch(SEMANTIC, VERSION)
    suffixes = (".py", ".toml", ".cff", ".txt", ".json", ".cpp", ".hpp", ".sh")
    files = [*ROOT.glob("*"), *(path for folder in PACKAGED for path in (ROOT / folder).rglob("*"))]
    texts = {path: path.read_text("utf-8") for path in files if path.is_file() and path.suffix in suffixes}
    assert [path.name for path, text in texts.items() if re.search(rf"\b{re.escape(VERSION)}\b", text)] == [
        "pyproject.toml"
    ]


def test_the_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    unreleased, *released = re.split(r"^## ", changelog, flags=re.M)[1:]
    assert unreleased.startswith("[Unreleased]\n")
    heads = [re.match(rf"\[({SEMANTIC})\] - \d{{4}}-\d\d-\d\d$", entry.splitlines()[0]) for entry in released]
    assert None not in heads
    versions = [head[1] for head in heads if head]
    # A version that is not released yet is named above the changes that will be in it.
    assert versions[0] == VERSION if VERSION in versions else f"This will be {VERSION}" in unreleased


def test_the_changelog_groups_changes_in_the_order_of_keep_a_changelog() -> None:
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for entry in re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.M)[1:]:
        groups = re.findall(r"^### (.+)$", entry, re.M)
        assert groups
        assert groups == [group for group in order if group in groups]
