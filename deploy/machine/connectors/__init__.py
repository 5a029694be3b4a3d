"""pyinfra connectors for classic LXC containers: `@lxc/NAME` on this machine, `@lxcssh/HOST:NAME` on a host over SSH."""
