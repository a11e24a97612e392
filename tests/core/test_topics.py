"""Topic templates and our own topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.topics import Address, Refusal, TopicTemplate, subscriptions

PLANT = TopicTemplate("plant/{site}/{asset}/{channel}")
NAMES = st.text(st.characters(exclude_characters="/+#", exclude_categories=["C", "Z"]), min_size=1, max_size=40)


def test_levels_are_captured_by_name() -> None:
    assert PLANT.match("plant/north/Pump 7/vib") == {"site": "north", "asset": "Pump 7", "channel": "vib"}
    assert PLANT.names == ("site", "asset", "channel")


@pytest.mark.parametrize("topic", ["plant/north/p1", "plant/north/p1/vib/x", "factory/north/p1/vib", "", "/"])
def test_a_topic_of_another_shape_does_not_match(topic: str) -> None:
    assert PLANT.match(topic) is None


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ("", Refusal.EMPTY),
        ("x" * 257, Refusal.TOO_LONG),
        ("p+", Refusal.WILDCARD),
        ("#p", Refusal.WILDCARD),
        ("p\x00", Refusal.CONTROL),
        ("p\x9f", Refusal.CONTROL),
        ("p\n1", Refusal.CONTROL),
        ("p\u2028", Refusal.CONTROL),
        ("p\ud800", Refusal.CONTROL),
    ],
)
def test_a_bad_captured_level_is_refused_with_its_reason(value: str, refusal: Refusal) -> None:
    assert PLANT.match(f"plant/north/{value}/vib") is refusal


def test_wildcards_are_anonymous() -> None:
    template = TopicTemplate("plant/+/{asset}/#")

    assert template.match("plant/north/p1") == {"asset": "p1"}
    assert template.match("plant/north/p1/a/b") == {"asset": "p1"}
    assert template.match("plant/north") is None
    assert template.subscription() == "plant/+/+/#"


def test_a_leading_wildcard_does_not_take_the_topics_of_the_broker() -> None:
    assert TopicTemplate("#").match("$SYS/broker/uptime") is None
    assert TopicTemplate("{asset}/x").match("$SYS/x") is None
    assert TopicTemplate("$SYS/{channel}").match("$SYS/uptime") == {"channel": "uptime"}


def test_a_share_group_is_subscribed_to_but_not_part_of_the_topic() -> None:
    template = TopicTemplate("$share/agents/plant/{asset}")

    assert template.subscription() == "$share/agents/plant/+"
    assert template.group == "agents"
    assert template.match("plant/p1") == {"asset": "p1"}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "1 to 65535 bytes"),
        ("x" * 65536, "1 to 65535 bytes"),
        ("plant/\x07/{asset}", "control character"),
        ("{asset}/{asset}", "captures a name twice"),
        ("plant/#/{asset}", "level '#'"),
        ("plant/sensor-{asset}", "level 'sensor-{asset}'"),
        ("plant/{Asset}", "level '{Asset}'"),
        ("plant/a+", "level 'a+'"),
        ("$share/agents", "name of a group and a topic"),
        ("$share//plant", "name of a group and a topic"),
        ("$share/a+/plant", "name of a group and a topic"),
    ],
)
def test_a_wrong_template_is_refused_with_the_reason(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        TopicTemplate(template)

    assert said in str(caught.value)


@given(site=NAMES, asset=NAMES, channel=NAMES)
def test_what_is_put_into_a_topic_comes_out_of_it(site: str, asset: str, channel: str) -> None:
    assert PLANT.match(f"plant/{site}/{asset}/{channel}") == {"site": site, "asset": asset, "channel": channel}


@given(st.text())
def test_any_topic_has_an_answer(topic: str) -> None:
    assert PLANT.match(topic) is None or isinstance(PLANT.match(topic), dict | Refusal)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("plant/#", "plant/{asset}/{channel}", True),
        ("plant/#", "plant", True),
        ("plant/{a}/{b}", "plant/+/log", True),
        ("plant/{a}/log", "plant/+/+", False),
        ("plant/{a}", "plant/#", False),
        ("plant", "plant/#", False),
        ("plant/{a}/{b}", "plant/{a}", False),
        ("#", "$SYS/x", False),
        ("plant/a", "plant/b", False),
    ],
)
def test_one_template_covers_another_when_it_takes_all_of_its_topics(wide: str, narrow: str, covered: bool) -> None:  # noqa: FBT001 - a table of cases
    assert TopicTemplate(wide).covers(TopicTemplate(narrow)) is covered


def test_a_covered_filter_is_not_subscribed_to() -> None:
    templates = map(TopicTemplate, ["plant/{asset}/log", "plant/{asset}/{channel}", "plant/{x}/log", "hall/{asset}"])

    assert subscriptions(templates) == ("plant/+/+", "hall/+")


def test_a_share_group_gets_its_own_subscription() -> None:
    templates = map(TopicTemplate, ["$share/a/plant/#", "$share/b/plant/x", "plant/x"])

    assert subscriptions(templates) == ("$share/a/plant/#", "$share/b/plant/x", "plant/x")


def test_our_topics_are_those_of_the_contract() -> None:
    address = Address("acme", "north", "gw-01")

    assert address.path == "acme/north/gw-01"
    assert address.state == "pdm/v1/acme/north/gw-01/state"
    assert address.health == "pdm/v1/acme/north/gw-01/health"
    assert address.event == "pdm/v1/acme/north/gw-01/event"
    assert address.history == "pdm/v1/acme/north/gw-01/history"
    assert address.risk("p1") == "pdm/v1/acme/north/gw-01/asset/p1/risk"
    assert address.alarm("p1", "0af3") == "pdm/v1/acme/north/gw-01/asset/p1/alarm/0af3"
    assert address.cmd("ack") == "pdm/v1/acme/north/gw-01/cmd/ack"
    assert address.commands == "pdm/v1/acme/north/gw-01/cmd/+"
    assert address.cmd_result("r-1") == "pdm/v1/acme/north/gw-01/cmd-result/r-1"


@pytest.mark.parametrize("level", ["", "A", "a/b", "+", "#", "a b", "a\n", "x" * 65])
def test_nothing_but_a_slug_gets_into_a_topic_of_ours(level: str) -> None:
    address = Address("acme", "north", "gw-01")

    for build in (address.risk, address.cmd, address.cmd_result, lambda bad: address.alarm("p1", bad)):
        with pytest.raises(ValueError, match="no topic level of ours"):
            build(level)
    with pytest.raises(ValueError, match="no topic level of ours"):
        Address("acme", level, "gw-01")


def test_a_command_is_told_by_its_topic() -> None:
    here = Address("acme", "plant-1", "gw-3")

    assert here.command_in("pdm/v1/acme/plant-1/gw-3/cmd/ack") == "ack"
    assert here.command_in("pdm/v1/acme/plant-1/gw-4/cmd/ack") == ""
    assert here.command_in("pdm/v1/acme/plant-1/gw-3/cmd/ack/more") == ""
    assert here.results == "pdm/v1/acme/plant-1/gw-3/cmd-result/"
