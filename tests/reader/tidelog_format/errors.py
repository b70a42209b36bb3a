"""What can be wrong with stored bytes."""


class Damage(Exception):
    """The bytes are not what a writer wrote there, or contradict themselves."""


class NothingWritten(Damage):
    """Zeros, or too few bytes, where something could have begun."""


class Unsupported(Exception):
    """The bytes verify and are of a newer writer: neither damaged nor torn."""
