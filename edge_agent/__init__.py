"""edge-agent: predictive maintenance beside the machine.

onnxruntime 1.29 and later sends telemetry unless told not to *before* it is imported, so the two lines below run
before anything else of the package can import it (Source: onnxruntime Privacy.md; measured on 1.32.0).
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

__version__ = "0.1.0"
__all__ = ["__version__"]
