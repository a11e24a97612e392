"""The broker, through paho: `link` is the agent's connection, `feed` and `watch` are those of replay and the demo.

`client` sets paho up for the link, `guard` keeps what its callbacks raise, `tls` encrypts, `reasons` says in words why
something does not work.
"""
