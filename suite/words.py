"""Numbers as sentences have them."""


def counted(number: int, noun: str, of: str = "") -> str:
    """`1 member`, `2,130 pieces of work`.

    Args:
        number: how many.
        noun: what, one of it.
        of: what stands behind the noun, whatever the number.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}{of}"


def pieces(number: int, more: str = "") -> str:
    """`1 piece of work`; `2 more pieces of work`."""
    return counted(number, f"{more}piece", " of work")
