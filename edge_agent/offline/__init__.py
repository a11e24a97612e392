"""The agent without a broker: CSV files judged by the same pipeline (`backtest`) or sent to a broker (`replay`)."""
