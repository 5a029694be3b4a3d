"""What is raised if certificates cannot be signed or handed out as things are."""


class AuthorityError(ValueError):
    """The authorities cannot be used as they are; the message says how to fix it, never a passphrase."""
