"""The running agent: one thread per activity, each owning what it changes. Knows ports, never adapters."""
