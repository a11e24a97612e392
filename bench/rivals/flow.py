"""Node-RED's flow: mqtt in → SQLite → mqtt out, oldest first, a batch at a time; a row goes when it is acknowledged.

The store-and-forward pattern as its community describes it, with a batch of 100. Pure: values in, the flow out.
"""

from __future__ import annotations

_OLDEST = "SELECT id, topic, payload FROM buffer ORDER BY id LIMIT 100"
SETTINGS = """\
module.exports = {
  flowFile: "flows.json", credentialSecret: false, httpAdminRoot: false, httpNodeRoot: false,
  telemetry: { enabled: false }, logging: { console: { level: "info", metrics: false, audit: false } },
}
"""
_MAKE = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
    "CREATE TABLE IF NOT EXISTS buffer(id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload TEXT)"
)
_KEEP = "return { params: { $topic: msg.topic, $payload: msg.payload } };"
# a publish without a connection is dropped without a word, so an open batch is tried again after a while
_OPEN = """\
const since = flow.get("open") || 0;
if (since && Date.now() - since < 5000) { return null; }
flow.set("open", Date.now());
return msg;
"""
_SPREAD = """\
const rows = msg.payload;
flow.set("left", rows.length);
if (!rows.length) { flow.set("open", 0); return null; }
return [rows.map(row => ({ row: row.id, topic: "far/" + row.topic, payload: row.payload, qos: 1 }))];
"""
_ROW = "return { params: { $id: msg.row } };"
_NEXT = """\
const left = flow.get("left") - 1;
flow.set("left", left);
if (left > 0) { return null; }
flow.set("open", 0);
return {};
"""


def flow(topic: str, host: str, near: int, far: int, database: str) -> list[dict[str, object]]:
    """The nodes, as `flows.json` has them."""
    return [
        {"id": "page", "type": "tab", "label": "store and forward"},
        _broker("near", host, near),
        _broker("far", host, far),
        {"id": "db", "type": "sqlitedb", "db": database, "mode": "RWC"},
        _inject("begin", once=True, to="made"),
        _sqlite("made", "batch", "", None),
        {**_node("in", "mqtt in", "keep"), "topic": topic, "qos": "1", "datatype": "utf8", "broker": "near"},
        _function("keep", _KEEP, "insert"),
        _sqlite("insert", "prepared", "INSERT INTO buffer(topic, payload) VALUES ($topic, $payload)", None),
        _inject("tick", once=False, to="open"),
        _function("open", _OPEN, "select"),
        _sqlite("select", "fixed", _OLDEST, "spread"),
        _function("spread", _SPREAD, "out"),
        {**_node("out", "mqtt out", None), "topic": "", "qos": "", "retain": "", "broker": "far"},
        {**_node("done", "complete", "row"), "scope": ["out"], "uncaught": False},
        _function("row", _ROW, "delete"),
        _sqlite("delete", "prepared", "DELETE FROM buffer WHERE id = $id", "next"),
        _function("next", _NEXT, "open"),
    ]


def _node(name: str, kind: str, to: str | None) -> dict[str, object]:
    return {"id": name, "type": kind, "z": "page", "wires": [[to] if to else []]}  # a name like an id is a reference


def _broker(name: str, host: str, port: int) -> dict[str, object]:
    return {
        "id": name,
        "type": "mqtt-broker",
        "broker": host,
        "port": str(port),
        "clientid": f"node-red-{name}",
        "autoConnect": True,
        "usetls": False,
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": False,
        "autoUnsubscribe": False,
    }


def _inject(name: str, *, once: bool, to: str) -> dict[str, object]:
    told = {"p": "topic", "vt": "str", "v": _MAKE} if once else {"p": "payload", "vt": "date", "v": ""}
    timing = {"once": True, "onceDelay": 0.1, "repeat": "" if once else "0.25"}
    return {**_node(name, "inject", to), **timing, "props": [told], "topic": _MAKE if once else ""}


def _sqlite(name: str, kind: str, statement: str, to: str | None) -> dict[str, object]:
    return {**_node(name, "sqlite", to), "mydb": "db", "sqlquery": kind, "sql": statement}


def _function(name: str, code: str, to: str) -> dict[str, object]:
    return {**_node(name, "function", to), "func": code, "outputs": 1, "timeout": 0, "noerr": 0, "initialize": ""}
