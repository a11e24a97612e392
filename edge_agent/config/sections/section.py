"""What tables have in common: how strict they are, and kinds of values that stand in more than one of them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
SLUG_RULE = "1 to 64 of a-z, 0-9, _ and -"
DAY_S = 86400


class Section(BaseModel):
    """A table: nothing in it that is not known, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def _host(value: object) -> object:
    """Refuse what is not the mere name or address of a host."""
    if not isinstance(value, str):
        return value
    if "://" in value:
        remedy = "write only the name between :// and the port, the port as `port`"
        raise PydanticCustomError("host", "is a web address", {"remedy": remedy})
    if value.count(":") == 1:
        remedy = "write what stands before the colon, and the port as `port`"
        raise PydanticCustomError("host", "holds a port", {"remedy": remedy})
    try:
        str(ip_address(value)) if ":" in value else value.encode("idna")
    except ValueError as error:
        remedy = "write a name or an address, such as broker.plant.example or 192.0.2.10"
        raise PydanticCustomError("host", "is no host name", {"remedy": remedy}) from error
    return value


Host = Annotated[str, Field(min_length=1), BeforeValidator(_host)]
