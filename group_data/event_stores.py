# What all event stores share; a key in the inventory file wins over one here. See docs/inventory.md.
