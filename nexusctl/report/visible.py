"""Text from files and from AWS, made harmless before anybody sees it."""


def visible(text: str) -> str:
    """`text` without characters that could steer a terminal; a line break is one of them."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def visible_lines(text: str) -> list[str]:
    """The lines of `text`, each without characters that could steer a terminal."""
    return [visible(line) for line in text.split("\n")]


def one_line(text: str) -> str:
    """`text` on one line, with nothing that could steer a terminal."""
    return visible(" ".join(text.split()))
