"""What a disk holds after a power cut, derived from what was written and synced before it.

The model is as hard as POSIX allows, harder than ext4 is. Of a file's sectors written since its last sync each may be
as it was then, or as any write since left it; its length may be any of those since; a truncation is done or not. Names
made, moved or removed since the last sync of their folder may be so or not, each for itself. What was synced is there.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.power.recording import CREATED, IS_FOLDER, TRUNCATED, Kind, Record

SECTORS = (512, 4096)


class Mood(StrEnum):
    """How a cut treats what was not synced."""

    LOSES_ALL = "loses all"
    KEEPS_ALL = "keeps all"  # as after a kill
    TEARS = "tears"  # every sector and name for itself
    TEARS_THE_LAST = "tears the last write"
    KEEPS_NAMES = "keeps names, tears contents"
    KEEPS_CONTENTS = "keeps contents, tears names"


@dataclass(slots=True)
class File:
    """A file: what is safe, and what was done since."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, data), or (new length, None)

    def sync(self) -> None:
        """Everything is safe now."""
        for offset, data in self.since:
            _apply(self.safe, offset, data)
        self.since.clear()

    def after_cut(self, rng: random.Random, mood: Mood) -> bytes:
        """What the file may hold."""
        content = bytearray(self.safe)
        if mood is Mood.LOSES_ALL:
            return bytes(content)
        kept = self.since
        torn: list[tuple[int, bytes | None]] = []
        if mood in {Mood.TEARS, Mood.KEEPS_NAMES}:
            kept, torn = [], self.since
        elif mood is Mood.TEARS_THE_LAST:
            kept, torn = self.since[:-1], self.since[-1:]
        for offset, data in kept:
            _apply(content, offset, data)
        return _torn(content, torn, rng) if torn else bytes(content)


@dataclass(slots=True)
class Folder:
    """A folder: the names that are safe, the names as they are, and what was done to them since."""

    safe: dict[str, Node] = field(default_factory=dict)
    now: dict[str, Node] = field(default_factory=dict)
    since: list[dict[str, Node | None]] = field(default_factory=list)  # each change is whole or not at all

    def change(self, names: dict[str, Node | None]) -> None:
        """Give names to nodes, or take them away, as one change."""
        _rename(self.now, names)
        self.since.append(names)

    def sync(self) -> None:
        """Everything is safe now."""
        self.safe = dict(self.now)
        self.since.clear()

    def after_cut(self, rng: random.Random, mood: Mood) -> dict[str, Node]:
        """The names there may be."""
        names = dict(self.safe)
        if mood is Mood.LOSES_ALL:
            return names
        changes = self.since
        if mood in {Mood.TEARS, Mood.KEEPS_CONTENTS}:
            in_order = rng.random() < 0.5  # as file systems with a journal do
            kept = rng.randint(0, len(changes))
            changes = changes[:kept] if in_order else [change for change in changes if rng.random() < 0.5]
        for change in changes:
            _rename(names, change)
        return names


Node = File | Folder


class Disk:
    """One folder of a disk on which a recorded process works."""

    def __init__(self, root: Path, start: Path) -> None:
        """The folder `root`; it held what `start` holds, all of it safe."""
        self._root = root
        self._top = _load(start)
        self._open: dict[int, Node] = {}

    def follow(self, record: Record) -> None:
        """Do what was recorded."""
        match record.kind:
            case Kind.OPEN:
                self._opened(record)
            case Kind.CLOSE:
                self._open.pop(record.fd, None)
            case Kind.WRITE:
                self._file(record.fd).since.append((record.offset, record.data))
            case Kind.TRUNCATE:
                self._file(record.fd).since.append((record.offset, None))
            case Kind.SYNC:
                self._open[record.fd].sync()
            case Kind.MAKE_FOLDER:
                folder, name = self._place(record.data)
                folder.change({name: Folder()})
            case Kind.REMOVE:
                folder, name = self._place(record.data)
                folder.change({name: None})
            case Kind.RENAME:
                old, new = record.data.split(b"\0")
                folder, name = self._place(old)
                target, new_name = self._place(new)
                assert folder is target, "a file was moved from folder to folder: no single sync makes that safe"
                folder.change({name: None, new_name: folder.now[name]})
            case Kind.PRINT | Kind.SEND | Kind.RECEIVE:
                pass

    def after_cut(self, rng: random.Random, mood: Mood, target: Path) -> None:
        """Write one state that a cut at this moment could leave into an empty folder."""
        _save(self._top, rng, mood, target)

    def _opened(self, record: Record) -> None:
        path = record.data.decode()
        if path == str(self._root):
            self._open[record.fd] = self._top
            return
        folder, name = self._place(record.data)
        if record.flags & CREATED:
            folder.change({name: Folder() if record.flags & IS_FOLDER else File()})
        node = folder.now[name]
        if record.flags & TRUNCATED and isinstance(node, File):
            node.since.append((0, None))
        self._open[record.fd] = node

    def _file(self, fd: int) -> File:
        node = self._open[fd]
        assert isinstance(node, File)
        return node

    def _place(self, path: bytes) -> tuple[Folder, str]:
        """The folder that holds a path, and its name there."""
        *parents, name = Path(path.decode()).relative_to(self._root).parts
        folder = self._top
        for parent in parents:
            node = folder.now[parent]
            assert isinstance(node, Folder)
            folder = node
        return folder, name


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        content[offset:] = b""
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(offset - len(content), 0)))
    content[offset : offset + len(data)] = data


def _torn(content: bytearray, changes: list[tuple[int, bytes | None]], rng: random.Random) -> bytes:
    """The content after so many of the truncations, and after each sector has seen only so many of the writes."""
    sector = rng.choice(SECTORS)
    seen: dict[int, int] = {}
    truncations = rng.randint(0, sum(data is None for _, data in changes))
    lengths = [len(content)]
    for number, (offset, data) in enumerate(changes, start=1):
        if data is None:
            if truncations:
                truncations -= 1
                _apply(content, offset, None)
                lengths = [offset]
            continue
        end = offset + len(data)
        lengths.append(max(lengths[-1], end))
        content.extend(bytes(max(end - len(content), 0)))
        place = offset
        while place < end:
            stop = min(end, (place // sector + 1) * sector)
            if number <= seen.setdefault(place // sector, rng.randint(0, len(changes))):
                content[place:stop] = data[place - offset : stop - offset]
            place = stop
    return bytes(content[: rng.choice(lengths)])


def _rename(names: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _load(path: Path) -> Folder:
    names: dict[str, Node] = {}
    for inner in path.iterdir():
        if not inner.name.endswith("-shm"):
            names[inner.name] = _load(inner) if inner.is_dir() else File(bytearray(inner.read_bytes()))
    return Folder(safe=dict(names), now=names)


def _save(folder: Folder, rng: random.Random, mood: Mood, target: Path) -> None:
    for name, node in folder.after_cut(rng, mood).items():
        if isinstance(node, Folder):
            (target / name).mkdir()
            _save(node, rng, mood, target / name)
        else:
            (target / name).write_bytes(node.after_cut(rng, mood))
