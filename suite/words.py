"""Numbers as sentences have them."""


def counted(number: int, noun: str) -> str:
    """`1 member`, `2,130 members`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def pieces(number: int, more: str = "") -> str:
    """`1 piece of work`; `2 more pieces of work`."""
    return f"{counted(number, f'{more}piece')} of work"
