"""Sparkplug B: what the field's own binary payloads say, and ours in the same words; docs/sparkplug.md shows both.

`wire` reads and writes the bytes of protobuf, `payload` the messages of Sparkplug. Values in, values out. Written by
hand because the libraries pin paho below 2 or a protobuf that does not go with onnxruntime.

Source: Eclipse Sparkplug Specification 3.0.0, sections 4 to 6.
"""
