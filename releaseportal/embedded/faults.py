"""What can go wrong with the embedded servers, said in one line with the way to mend it."""


class EmbeddedError(Exception):
    """An expected failure; its text is the line that the person at the shell reads."""
