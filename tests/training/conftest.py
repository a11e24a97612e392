"""The training tests are collected only where the extra `train` is installed."""

from __future__ import annotations

import importlib.util

_NEEDED = ("torch", "lightgbm", "onnx", "sklearn")
collect_ignore_glob = [] if all(map(importlib.util.find_spec, _NEEDED)) else ["test_*.py"]
