"""The pure core: values in, values out.

Nothing here may start a thread, read a clock, open a file or socket, or log (the import contract in pyproject.toml
holds this). Everything the agent decides is decided here, so that the service, the backtest, `explain` and training
decide alike.
"""
