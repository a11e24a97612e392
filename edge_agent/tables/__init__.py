"""CSV files as people have them → series per asset, log lines and outcomes. Judges nothing, knows no model."""
