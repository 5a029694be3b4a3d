"""The shape of keys is the same for a group and for a container."""

from typing import get_origin, get_type_hints

import pytest

from deploy.model.settings import KINDS

#: Released before the rule; its names are PostgreSQL's.
EXCEPTION = "postgresql_settings"


@pytest.mark.parametrize("group", KINDS)
def test_a_key_is_flat_because_a_dictionary_of_a_container_would_replace_its_groups_as_a_whole(group: str) -> None:
    hints = get_type_hints(KINDS[group])
    keys = {key for key in KINDS[group].model_fields if get_origin(hints[key]) is dict}
    assert keys <= {EXCEPTION}


@pytest.mark.parametrize("group", KINDS)
def test_a_kind_says_what_it_is(group: str) -> None:
    kind = KINDS[group]
    assert kind.group == group
    assert kind.kind
    assert kind.volume_path.startswith("/")
