# An example for real hosts, reached over SSH: put in your own names and addresses.
# What all machines of a group share goes to group_data/lxc_hosts.py and group_data/event_stores.py.

lxc_hosts = [
    (
        "lxc-1.example.net",
        {
            "ssh_user": "deploy",
            "_sudo": True,  # on the host; its containers are reached the same way
            "subnet": "10.0.3.0/24",
        },
    ),
]

event_stores = [
    (
        "@lxcssh/lxc-1.example.net:stock-analysis",
        {
            "address": "10.0.3.10",
            "memory": "8GiB",
            "cpus": 4,
            "disk": "50GiB",
            "pooling": "on",
            "client_networks": ["10.0.3.0/24"],
        },
    ),
]
