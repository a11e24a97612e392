"""The ladder from boosted trees to the int8 bundle: quality, size, speed and memory of every rung."""
