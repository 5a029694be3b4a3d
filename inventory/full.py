# All kinds of containers on this machine, to try them: an event store, a repository for its backups, and members of etcd.
# Containers know each other by certificates: export EVENT_STORE_CA_PASSPHRASE first, and keep it.
# Every key is explained in docs/inventory.md, with what a change of it does.

lxc_hosts = ["@local"]

event_stores = [
    (
        "@lxc/full-analysis",
        {
            "address": "10.0.3.11",
            "memory": "2GiB",
            "cpus": 2,
            "disk": "20GiB",
            "pooling": "on",
            "tls": "authority",
            "backup_repository": "full-backups",
        },
    ),
]

backup_repositories = [
    (
        "@lxc/full-backups",
        {
            "address": "10.0.3.12",
            "memory": "1GiB",
            "cpus": 2,
            "disk": "60GiB",
        },
    ),
]

# Members of etcd, which event stores are going to agree by. All on one machine are a trial.
consensus = [
    ("@lxc/full-consensus-1", {"address": "10.0.3.13", "single_host": "allowed"}),
    ("@lxc/full-consensus-2", {"address": "10.0.3.14", "single_host": "allowed"}),
    ("@lxc/full-consensus-3", {"address": "10.0.3.15", "single_host": "allowed"}),
]
