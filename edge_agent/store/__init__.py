"""The SQLite file: everything the agent accepted or decided, written before anybody is told.

Only what knows SQLite belongs here. The rest of the agent sees the ports `Journal` and `Outbox`; commands that read use
`queries`. Nothing here decides anything about machines, and nothing here sends.
"""
