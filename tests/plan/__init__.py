"""The literal command line, on machines that are not there: seconds instead of containers."""
