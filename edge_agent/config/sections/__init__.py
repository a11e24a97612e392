"""The tables of the configuration file, key by key: type, range, default and one sentence that says what it is.

Descriptions and examples are shown to people: in the remedy of a problem and in docs/config.md. What needs two keys to
be judged is in `checks`.
"""
