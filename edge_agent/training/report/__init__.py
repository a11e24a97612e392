"""The report role: simulated alarms → a small decoder that words summaries, trained, exported and measured."""
