"""Home Assistant without a face, run by a Python that has it: `python home_assistant.py FOLDER BROKER_PORT HTTP_PORT`.

It has its MQTT integration on a broker of the loopback address and writes what it shows into FOLDER/shown.json:
`states` by entity with `state` and `attributes`, and the names of its `devices`. It ends when FOLDER/stop appears.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from types import MappingProxyType

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry
from homeassistant.setup import async_setup_component

LOOK_S = 0.2


async def run(folder: Path, broker_port: int, http_port: int) -> None:
    """Start, write what is shown until told to stop, end."""
    (folder / "configuration.yaml").touch()
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await hass.config_entries.async_initialize()
    loader.async_setup(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    http = {"http": {"server_host": ["127.0.0.1"], "server_port": http_port}}
    if not (await async_setup_component(hass, "homeassistant", {}) and await async_setup_component(hass, "http", http)):
        sys.exit("Home Assistant cannot be set up")
    entry = config_entries.ConfigEntry(
        domain="mqtt", title="plant", data={"broker": "127.0.0.1", "port": broker_port}, source="user", unique_id=None,
        version=1, minor_version=2, options={}, discovery_keys=MappingProxyType({}), subentries_data=None,
    )  # fmt: skip
    await hass.config_entries.async_add(entry)
    await hass.async_start()
    while not (folder / "stop").exists():
        states = {s.entity_id: {"state": s.state, "attributes": dict(s.attributes)} for s in hass.states.async_all()}
        devices = [device.name for device in device_registry.async_get(hass).devices.values()]
        written = folder / "shown.new"
        written.write_text(json.dumps({"states": states, "devices": devices}, default=str), encoding="utf-8")
        written.rename(folder / "shown.json")
        await asyncio.sleep(LOOK_S)
    await hass.async_stop(force=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
