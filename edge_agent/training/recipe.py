"""Which data a bundle is made from, split how: folders and seeds → tokenizer, references, examples. No torch here.

Splits are by asset, always: C-MAPSS engines of FD001-FD003 are parted into learned and held out; FD004 is never learned
from, it is the transfer check; test files are read by `evaluate` alone; simulated fleets of odd seeds are held out.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.references import format_references, rounded
from edge_agent.core import baseline, judged_channels, text, track, window
from edge_agent.core.baseline import Reference
from edge_agent.core.window import JOINT
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import cmapss, corpus, fleet, references
from edge_agent.training.examples import Examples, cached, subset
from edge_agent.training.runs import MODES, Run
from edge_agent.training.tokens import train_tokenizer
from edge_agent.training.wordings import Wordings, read_wordings

Say = Callable[[str], None]

LEARNED: Final = ("FD001", "FD002", "FD003")
TRANSFER: Final = "FD004"
_HELD_OUT: Final = 0.15  # share of engines kept for calibration and thresholds
STRANGE_RIGS: Final = f"{fleet.RIGS}?"
STRANGE: Final = 4  # every so many-th asset is also shown as one of a class nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much simulated data, and how large a vocabulary."""

    train_runs: int = 480
    held_out_runs: int = 120
    train_rigs: int = 320  # of no known class
    held_out_rigs: int = 60
    vocabulary: int = 4096


@dataclass(frozen=True, slots=True)
class Task:
    """A set of examples to be built: assets of one class, shown with or without their class reference."""

    name: str
    runs: tuple[Run, ...]
    reference: Reference | None
    told: bool = False  # only the windows with log lines


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a training needs of its data, by name: `FD001`, `pump`, and `<name>?` without class reference."""

    encoder: TextEncoder
    references: Mapping[str, Reference]
    learned: Mapping[str, Examples]
    held_out: Mapping[str, Examples]
    wordings: Wordings  # real log lines by failure mode
    cache: Path
    sources: tuple[str, ...]  # names of the data sets that were there


def split_engines(runs: Sequence[Run], seed: int = 1) -> tuple[list[Run], list[Run]]:
    """Learned and held-out runs."""
    held = np.random.default_rng(seed).permutation(len(runs)) < max(1, round(_HELD_OUT * len(runs)))
    return [run for run, out in zip(runs, held, strict=True) if not out], [
        run for run, out in zip(runs, held, strict=True) if out
    ]


def by_group(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by the set they came from, in order of first appearance."""
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        grouped[run.group].append(run)
    return dict(grouped)


def prepare(data: Path | None, folder: Path, scale: Scale, say: Say) -> Prepared:
    """The data of a training, examples cached under `folder`; without `data` of the simulator alone."""
    learned = by_group(fleet.load_fleet(fleet.TRAINING_SEED, scale.train_runs))
    held = by_group(fleet.load_fleet(fleet.VALIDATION_SEED, scale.held_out_runs))
    fitted = {name: rounded(references.fit(runs)) for name, runs in learned.items()}
    sources = ["simulator"]
    if data is not None and (data / "cmapss").is_dir():
        turbofan: list[Run] = []
        for name in LEARNED:
            learned[name], held[name] = split_engines(cmapss.load_train(data / "cmapss", name))
            turbofan += learned[name]
        fitted[SPEC.name] = rounded(references.fit(turbofan))
        sources.append("cmapss")
    texts = {} if data is None else corpus.read_corpus(data)
    sources += texts
    lines = [text.clean(line.text) for runs in learned.values() for run in runs for line in run.logs]
    specs = {runs[0].spec.name: runs[0].spec for runs in learned.values()}
    names = [*specs, *JOINT, *(channel.name for spec in specs.values() for channel in spec.channels)]
    tokenizer = train_tokenizer([*lines, *(line for part in texts.values() for line in part)], names, scale.vocabulary)
    encoder = TextEncoder(tokenizer)
    cache = cache_of(folder, encoder, fitted)
    learned |= by_group(fleet.load_rigs(fleet.TRAINING_SEED, scale.train_rigs))  # after the tokenizer: they bring no
    held |= by_group(fleet.load_rigs(fleet.VALIDATION_SEED, scale.held_out_rigs))  # words of their own
    say(f"{sum(map(len, learned.values()))} lives to learn from, {sum(map(len, held.values()))} held out, in {cache}")
    return Prepared(
        encoder,
        fitted,
        _build("learned", _tasks(learned, fitted), encoder, cache, say),
        _build("held-out", _tasks(held, fitted), encoder, cache, say),
        {} if data is None else read_wordings(data, encoder),
        cache,
        tuple(sources),
    )


def _tasks(groups: Mapping[str, Sequence[Run]], fitted: Mapping[str, Reference]) -> list[Task]:
    tasks = []
    for name, runs in groups.items():
        if name == fleet.RIGS:
            tasks.append(Task(STRANGE_RIGS, tuple(runs), None))
            continue
        tasks.append(Task(name, tuple(runs), fitted[runs[0].spec.name]))
        tasks.append(Task(f"{name}?", tuple(runs[::STRANGE]), None))
    return tasks


def _build(part: str, tasks: Sequence[Task], encoder: TextEncoder, cache: Path, say: Say) -> dict[str, Examples]:
    paths = {task.name: cache / f"{part}-{task.name.replace('?', '-strange')}.npz" for task in tasks}
    built = build_all({task.name: (paths[task.name], task) for task in tasks}, encoder, say)
    built = {task.name: strangers(built[task.name]) if task.reference is None else built[task.name] for task in tasks}
    return {name: judged(part) if name == STRANGE_RIGS else part for name, part in built.items()}


def judged(part: Examples) -> Examples:
    """The windows after the learning phase: a rig's is long, and nothing is decided in it."""
    return subset(part, np.flatnonzero(~part.learning))


def strangers(part: Examples) -> Examples:
    """The windows as those of machines of a class nobody knows: the risk is then that a fault shows.

    How long a machine has left is a matter of its kind; that it no longer is what it was can be seen in any.
    """
    return replace(part, risk=np.maximum(part.risk, part.mode > 0).astype(np.float32))


def build_all(tasks: Mapping[str, tuple[Path, Task]], encoder: TextEncoder, say: Say) -> dict[str, Examples]:
    """The examples of every task, built on all cores where they are not cached."""
    missing = {name: entry for name, entry in tasks.items() if not entry[0].exists()}
    if missing:
        say(f"rendering {sum(len(run.times) for _, task in missing.values() for run in task.runs)} windows ...")
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            futures = [pool.submit(_write, path, task, encoder.tokenizer.to_str()) for path, task in missing.values()]
            for future in futures:
                future.result()
    return {
        name: cached(path, task.runs, task.reference, encoder, told=task.told) for name, (path, task) in tasks.items()
    }


def _write(path: Path, task: Task, tokenizer: str) -> None:
    cached(path, task.runs, task.reference, TextEncoder(Tokenizer.from_str(tokenizer)), told=task.told)


def cache_of(folder: Path, encoder: TextEncoder, fitted: Mapping[str, Reference]) -> Path:
    """Where examples rendered with these references and tokens are kept; elsewhere once the text's code changes.

    Comments, docstrings and layout are not code.
    """
    code = [_code_of(module) for module in (baseline, judged_channels, text, track, window)]
    parts = (encoder.tokenizer.to_str(), format_references(fitted), *MODES, *code)
    return folder / f"cache-{hashlib.blake2s(''.join(parts).encode(), digest_size=6).hexdigest()}"


def _code_of(module: ModuleType) -> str:
    """The syntax tree of a module without its docstrings."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
