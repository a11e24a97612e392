"""The yardstick of ingest: a bare paho loop that only counts. `python -m bench.counter PORT CLIENT_ID TOPIC MESSAGES`.

It acknowledges at once, decodes nothing, writes nothing, and says when it is connected and when it has counted all.
"""

from __future__ import annotations

import sys

from paho.mqtt.client import Client, MQTTMessage

from bench.site import RECEIVE_MAXIMUM, durable_client
from edge_agent.demo.broker import HOST

CONNECTED, COUNTED = "connected", "counted"


def count(port: int, client_id: str, topic: str, messages: int) -> None:
    """Count until told to end."""
    client, properties = durable_client(client_id, receive_maximum=RECEIVE_MAXIMUM)
    counted = 0

    def on_message(_client: Client, _data: object, _message: MQTTMessage) -> None:
        nonlocal counted
        counted += 1
        if counted == messages:
            print(COUNTED, flush=True)

    def on_connect(client: Client, *_: object) -> None:
        print(CONNECTED, flush=True)
        client.subscribe(topic, qos=1)

    client.on_message = on_message
    client.on_connect = on_connect
    client.connect(HOST, port, clean_start=False, properties=properties)
    client.loop_forever()


if __name__ == "__main__":
    count(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
