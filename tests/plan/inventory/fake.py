# Machines that answer nothing and take no time: what pyinfra's command line makes of the deploy, in seconds.

_fake = {"fake_delay": 0, "fake_delay_jitter": 0}

lxc_hosts = [("@fake/host", _fake)]

event_stores = [
    ("@fake/one", {"lxc_name": "one", "lxc_host": "@fake/host", "address": "10.0.3.11", **_fake}),
    ("@fake/two", {"lxc_name": "two", "lxc_host": "@fake/host", "address": "10.0.3.12", **_fake}),
]
