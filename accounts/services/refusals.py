class ActRefusedError(Exception):
    """The act cannot be done now; the text is for the administrator."""
