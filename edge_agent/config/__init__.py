"""One TOML file, the environment and systemd credentials → one frozen `Config`, or all that is wrong with them at once.

`sections` says what may be written, `model` what it means to the rest, `checks` what no single key can say, `problems`
how a fault is told, `loading` where it all comes from. Nothing here opens a socket or a database, or logs.
"""

from edge_agent.config.loading import check, load
from edge_agent.config.model import Config
from edge_agent.config.problems import Problem
from edge_agent.config.sections.broker import Broker, Tls

__all__ = ["Broker", "Config", "Problem", "Tls", "check", "load"]
