"""How server and clients know each other: what is declared without a contradiction, and what a certificate is for."""

from typing import Any

import pytest
from declared import container
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"certificate_names": ["db.example.net"]}, "a self-signed certificate has no names"),
        ({"authentication": "certificate"}, "authentication = 'certificate': no server can check"),
        ({"tls": "authority", "address": "dhcp"}, "give certificate_names, or a static address"),
        ({"tls": "authority", "certificate_names": ["-bad"]}, "String should match pattern"),
        ({"tls": "authority", "certificate_names": ["*.example.net"]}, "String should match pattern"),
        ({"postgresql_settings": {"ssl_min_protocol_version": "TLSv1.1"}}, "what is older than TLS 1.2 is not safe"),
        ({"postgresql_settings": {"ssl_ca_file": "/etc/ca.crt"}}, "the authorities are those of `make ca`"),
    ],
)
def test_who_is_who_is_declared_without_contradiction(data: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        container(**data)


def test_a_certificate_is_for_all_that_clients_connect_by() -> None:
    names = {"tls": "authority", "certificate_names": ["db.example.net", "10.0.3.10"]}
    assert container(**names).tls_names == ["one", "db.example.net", "10.0.3.10"]
    assert container(**names, address="dhcp").tls_names == ["one", "db.example.net", "10.0.3.10"]
