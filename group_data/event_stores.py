# What all event stores share; a key in the inventory file wins over one here. See deploy/settings.py, class Container.
