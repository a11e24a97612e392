"""Fine-tuning on one plant's own history: CSV files or the agent's journal → a bundle of its own."""
