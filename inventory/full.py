# All kinds of containers on this machine, to try them: an event store, and a repository for its backups.
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
