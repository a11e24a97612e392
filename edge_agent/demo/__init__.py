"""`edge-agent demo`: a broker, the agent as in production, and something to watch, in one terminal.

What belongs here plays data into the broker and shows what the agent says over it. Nothing here may know more of the
agent's judgement than any MQTT client can: risk, alarms and health are what came over the wire, never the script.
"""
