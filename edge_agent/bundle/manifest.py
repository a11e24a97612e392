"""`bundle.toml`: what a bundle says of itself, read strictly and written by us. No session, no hash."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge_agent.errors import BundleError

FORMAT: Final = 1
MANIFEST: Final = "bundle.toml"
RISK: Final = "risk.onnx"
TOKENIZER: Final = "tokenizer.json"
CLASSES: Final = "classes.json"
GOLDEN: Final = "golden.jsonl"
CARD: Final = "MODEL_CARD.md"
HASHED: Final = (RISK, TOKENIZER, CLASSES, GOLDEN)
REPORT: Final = "report.onnx"
REPORT_TOKENS: Final = "report-tokens.json"
REPORT_GOLDEN: Final = "report-golden.jsonl"
REPORT_HASHED: Final = (REPORT, REPORT_TOKENS, REPORT_GOLDEN)  # of a bundle that can write summaries as well

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Calibration(_Part):
    """risk = sigmoid(logit / temperature + bias)."""

    temperature: Annotated[float, Field(gt=0.0)]
    bias: float


class Conformal(_Part):
    """Class-conditional conformal bounds on the calibrated risk (Vovk 2012): each class is covered at 1 - alpha.

    A window may be sound up to `sound_to` and failing from `failing_from`; where both or neither holds it is undecided.
    """

    alpha: Probability
    sound_to: Probability
    failing_from: Probability

    def undecided(self, risk: float) -> bool:
        """Whether the conformal set of a risk holds both or neither class."""
        return (risk <= self.sound_to) == (risk >= self.failing_from)


class DataSource(_Part):
    """A data set the model learned from or was measured on."""

    name: str
    licence: str
    use: str


class Manifest(_Part):
    """The manifest of a bundle, format 1."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
    version: str
    text: str  # version of the text the model reads
    report: str = ""  # version of the summaries' facts and frames; empty where the bundle writes none
    horizon: str  # what the risk is about, in words
    labels: Annotated[tuple[str, ...], Field(min_length=1)]  # failure modes, ISO 14224, `none` first
    threshold: Probability  # calibrated risk from which an alarm is justified
    golden_tolerance: Annotated[float, Field(gt=0.0, le=0.5)]  # of the risk, between processors
    buckets: Annotated[tuple[Annotated[int, Field(ge=8, le=4096)], ...], Field(min_length=1)]
    calibration: Calibration
    conformal: Conformal
    stranger_calibration: Calibration | None = None  # of assets whose class has no reference: none, as the others
    stranger_conformal: Conformal | None = None
    stranger_threshold: Probability | None = None
    files: dict[str, Sha256]
    figures: dict[str, float | str]
    data: tuple[DataSource, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if self.labels[0] != "none" or len(set(self.labels)) != len(self.labels):
            message = f"labels must start with `none` and not repeat, got {list(self.labels)}"
            raise ValueError(message)
        needed = (*HASHED, *REPORT_HASHED) if self.report else HASHED
        if set(self.files) != set(needed):
            message = f"[files] must name {', '.join(needed)}, got {', '.join(self.files) or 'nothing'}"
            raise ValueError(message)
        strangers = (self.stranger_calibration, self.stranger_conformal, self.stranger_threshold)
        if len({part is None for part in strangers}) > 1:
            message = "stranger_calibration, stranger_conformal and stranger_threshold belong together"
            raise ValueError(message)
        return self

    def reading(self, *, stranger: bool) -> tuple[Calibration, Conformal]:
        """How a risk logit is to be read: of an asset whose class has a reference, or of a stranger."""
        if stranger and self.stranger_calibration is not None and self.stranger_conformal is not None:
            return self.stranger_calibration, self.stranger_conformal
        return self.calibration, self.conformal


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in a folder.

    Raises:
        BundleError: there is none, or it is wrong; names the first fault.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(
            f"bundle {folder}: {MANIFEST} cannot be read: {error}", hint="give the folder that holds bundle.toml"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise BundleError(
            f"bundle {folder}: {MANIFEST} is no TOML: {error}", hint="install the bundle again"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or MANIFEST
        raise BundleError(
            f"bundle {folder}: {where}: {first['msg']} (received {first['input']!r:.80})",
            hint=f"this version reads bundle format {FORMAT}; install a bundle made for it",
        ) from error


def format_manifest(manifest: Manifest) -> str:
    """The manifest as TOML; reading it gives the same manifest."""
    fields = manifest.model_dump(mode="json")
    fields = {key: value for key, value in fields.items() if value is not None}
    plain = {key: value for key, value in fields.items() if not isinstance(value, dict) and key != "data"}
    if not manifest.report:
        del plain["report"]  # as before there were summaries
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, table in fields.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]", *(f"{json.dumps(name)} = {_value(value)}" for name, value in table.items())]
    for source in fields["data"]:
        lines += ["", "[[data]]", *(f"{name} = {_value(value)}" for name, value in source.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """A scalar or flat list in TOML, which for these agrees with JSON."""
    return json.dumps(value, ensure_ascii=True)
