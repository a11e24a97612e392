"""What computes here: runtime versions and processor, in words. int8 kernels, and so last bits, differ between them."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import tokenizers

_CPUINFO: Final = Path("/proc/cpuinfo")
_KEYS: Final = ("model name", "Model", "CPU part")  # x86; boards that say what they are; other ARM


def runtime() -> str:
    """The versions of the libraries whose arithmetic a verdict and its evidence rest on."""
    return f"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}, tokenizers {tokenizers.__version__}"


def processor(cpuinfo: Path = _CPUINFO) -> str:
    """Architecture and model of the processor; the architecture alone where the system does not say more."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    said = {key.strip(): value.strip() for key, _, value in pairs}
    model = next((said[key] for key in _KEYS if said.get(key)), "")
    return f"{platform.machine()} {model}".strip()
