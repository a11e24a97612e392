"""Physical machines with faults and technicians' logs: training data, the live demo and tests.

Only numpy and pure functions of a seed belong here: no clock, no thread, no file, no socket, and no knowledge of
windows, texts or models. Whoever wants an event at a certain moment asks for the events and waits himself.

Seeds keep the uses apart: `history.TRAINING_SEEDS` (even, below a million) for training, odd ones below a million for
validation and tests, and those from nine million upwards for the demo plant (`plant.DEMO_SEED`).
"""
