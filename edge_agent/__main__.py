"""`python -m edge_agent`: the commands by another door. Nothing else belongs here."""

from edge_agent.cli import main

if __name__ == "__main__":
    main()
