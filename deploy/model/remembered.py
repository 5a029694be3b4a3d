"""A provider of passwords that a run asks once, however many containers and steps have something kept there."""

from threading import Lock

from deploy.model.providers import Environment, LocalFile, Provider


class Remembered:
    """A provider that is asked once in a run, where asking takes a program or decrypts: the others are asked each time.

    What this process writes, it knows. What others write meanwhile, it learns by `fresh`, as whoever is going to replace
    the document has to.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.where, self.stores = provider.where, provider.stores
        self._known: tuple[bytes | None] | None = None
        self._asking = Lock()

    def read(self) -> bytes | None:
        """See `Provider`."""
        if isinstance(self._provider, LocalFile | Environment):
            return self._provider.read()
        with self._asking:
            if self._known is None:
                self._known = (self._provider.read(),)
            return self._known[0]

    def fresh(self) -> bytes | None:
        """The document as it is now."""
        with self._asking:
            self._known = (self._provider.read(),)
            return self._known[0]

    def write(self, content: bytes) -> None:
        """See `Provider`."""
        with self._asking:
            self._provider.write(content)
            self._known = (content,)
