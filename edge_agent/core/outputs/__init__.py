"""What the agent tells, said once more in the words of systems a plant already watches; docs/outputs.md shows each.

`dialect` says what a dialect is, `interpreter` what those that are switched on have to say; a module each for the
dialects. Values in, messages out: which of them are switched on is the configuration's, sending them the service's.
"""
