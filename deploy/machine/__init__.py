"""What every part uses: ways to a machine, facts in bulk, files, services, differences, psql."""
