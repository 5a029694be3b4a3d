"""DHCP on the managed bridge, and a bridge that somebody else made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import ADDRESSES, declared
from .deployment import Deployment, inside, record_entries, run

pytestmark = pytest.mark.host

BRIDGE = "estest0"


def test_dhcp_on_the_managed_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment(tmp_path, "estest-dhcp", declared("estest-dhcp"))
    deployment.destroy()
    try:
        deployment.apply()
        with deployment.connect("estest-dhcp") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert connection.info.host.startswith("10.0.3.")
        assert deployment.apply() == []
        entries = record_entries(tmp_path, monkeypatch)
        deployment.assert_as_declared()
        assert entries.read_text().split() == ["estest-dhcp"]
        deployment.assert_verified()
    finally:
        deployment.destroy()


@pytest.fixture
def bridge() -> Iterator[None]:
    """A bridge with an address and nothing more, as a host's administrator may have it."""
    run("sh", "-c", f"ip link delete {BRIDGE} 2>/dev/null; ip link add {BRIDGE} type bridge && "
                    f"ip address add 10.77.0.1/24 dev {BRIDGE} && ip link set {BRIDGE} up")  # fmt: skip
    yield
    run("ip", "link", "delete", BRIDGE)


@pytest.mark.usefixtures("bridge")
def test_an_existing_bridge_is_used_and_left_alone(tmp_path: Path) -> None:
    host = {
        "network": "existing",
        "bridge": BRIDGE,
        "subnet": "10.77.0.0/24",
        "gateway": "10.77.0.1",
        "nameservers": ["10.77.0.1"],
    }
    deployment = Deployment(tmp_path, "estest-bridge", declared("estest-bridge"), host)
    deployment.destroy()
    before = Path("/etc/default/lxc-net").read_text()
    try:
        deployment.apply()
        with deployment.connect("estest-bridge") as connection:
            assert connection.info.host == ADDRESSES["estest-bridge"]
        assert deployment.apply() == []
        assert Path("/etc/default/lxc-net").read_text() == before
        assert f"{ADDRESSES['estest-bridge']}/24" in inside("estest-bridge", "ip -4 -o address show dev eth0")
    finally:
        deployment.destroy()


def test_a_bridge_that_is_not_there_ends_the_run(tmp_path: Path) -> None:
    host = {"network": "existing", "bridge": "nowhere0", "subnet": "10.77.0.0/24", "gateway": "10.77.0.1"}
    deployment = Deployment(tmp_path, "estest-nowhere", declared("estest-nowhere"), host)
    done = deployment.pyinfra("--dry", check=False)
    assert done.returncode != 0
    assert "there is no bridge nowhere0; make it, or set network to managed" in done.stderr
