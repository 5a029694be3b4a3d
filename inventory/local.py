# This machine is the LXC host, with one container. `make deploy` uses this inventory by default.
# Every key is explained in docs/inventory.md, with what a change of it does.

lxc_hosts = ["@local"]

event_stores = [
    (
        "@lxc/stock-analysis",
        {
            "address": "10.0.3.10",
            "memory": "2GiB",
            "cpus": 2,
            "disk": "20GiB",
            "pooling": "on",
        },
    ),
]
