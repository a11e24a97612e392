"""What an install brings and what it runs on: no extra is needed to start, and each version and name stands once.

Lesson of sqlite-utils 4.2, which imported a development package and crashed at every start for whoever lacked it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import edge_agent

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edge_agent"
EXTRA_ONLY = ("edge_agent.hub", "edge_agent.training")

# Runs first in the child: modules of distributions that a plain install does not bring cannot be imported.
BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    names = frozenset({names!r})

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{fullname!r}} in an install without extras", name=fullname)
        return None

sys.meta_path.insert(0, Absent())
"""


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content = tomllib.load(file)["project"]
    assert isinstance(content, dict)
    return content


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_of(distribution: str, extras: set[str]) -> list[Requirement]:
    lines = metadata.requires(distribution) or []
    found = [Requirement(line) for line in lines]
    environments = [{"extra": extra} for extra in extras | {""}]
    return [r for r in found if r.marker is None or any(r.marker.evaluate(environment) for environment in environments)]


def runtime_distributions() -> set[str]:
    """Every distribution a plain install brings, with what those need themselves."""
    declared = project()["dependencies"]
    assert isinstance(declared, list)
    found: set[str] = set()
    waiting = [Requirement(line) for line in declared]
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        if name not in found:
            found.add(name)
            waiting += requirements_of(name, requirement.extras)
    return found


def absent_modules() -> list[str]:
    """Top-level modules that are installed here and would not be in a plain install."""
    plain = runtime_distributions() | {"edge-agent"}
    owners = metadata.packages_distributions()
    return sorted(name for name, by in owners.items() if not plain & {canonical(owner) for owner in by})


def plain_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code as in an install without extras."""
    script = BLOCKER.format(names=absent_modules()) + code
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)


@pytest.fixture(scope="module")
def modules() -> list[str]:
    paths = (path.relative_to(ROOT).with_suffix("") for path in PACKAGE.rglob("*.py"))
    names = (".".join(path.parts).removesuffix(".__init__") for path in paths)
    return sorted(name for name in names if not name.startswith(EXTRA_ONLY))


def test_a_plain_install_has_no_development_package() -> None:
    result = plain_python("import pytest")

    assert "without extras" in result.stderr


def test_help_needs_no_extra() -> None:
    result = plain_python("from edge_agent.cli import main; main()", "--help")

    assert result.returncode == 0, result.stderr
    assert "Usage:" in result.stdout


def test_modules_outside_hub_and_training_need_no_extra(modules: list[str]) -> None:
    result = plain_python(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)")

    assert len(modules) > 1
    assert result.returncode == 0, result.stderr


def test_the_command_is_installed_under_its_name() -> None:
    scripts = project()["scripts"]

    assert scripts == {"edge-agent": "edge_agent.cli:main"}


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_version_has_a_section_in_the_changelog() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert "Unreleased" in headings
    assert edge_agent.__version__ in headings or headings == ["Unreleased"]


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_requirements_are_pinned_and_name_no_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    assert lines
    assert [line for line in lines if "==" not in line or line.startswith("-") or "://" in line] == []
    if path.name != "torch.txt":  # which says itself why it carries no hash
        assert [line for line in lines if "--hash=sha256:" not in line] == []


def test_one_package_has_one_version_in_all_requirement_files() -> None:
    versions: dict[str, set[str]] = {}
    for path in (ROOT / "requirements").glob("*.txt"):
        for name, version, marker in re.findall(
            r"^([\w.-]+)==([\w.+]+)(?: ; ([^\\\n]+))?", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        ):
            python = " ".join(sorted(set(re.findall(r"python_full_version [<>=]+ '[\d.]+'", marker))))
            versions.setdefault(f"{name} {python}", set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_declared_dependencies_are_pinned_in_run() -> None:
    pinned = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert runtime_distributions() - pinned == set()
