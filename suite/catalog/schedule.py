"""When training is looked at: steps that grow geometrically, coarse for most things and fine for waits."""


def recorded_steps(steps: int) -> list[int]:
    """The steps at which training is looked at: 0, then growing by about sqrt(2), and the last."""
    return _growing(steps, 2)


def fine_steps(steps: int) -> list[int]:
    """The steps at which waits are watched: growing by about 2^(1/8), which contains the recorded ones."""
    return _growing(steps, 8)


def pictured_steps(steps: int) -> list[int]:
    """The recorded steps at which what has been learned is kept as a picture: 0, up to three, the last.

    Those between are the nearest to 1/64, 1/16 and 1/4 of the way, as far as they differ.
    """
    recorded = recorded_steps(steps)
    return sorted(
        {min(recorded, key=lambda step: abs(step - steps * share)) for share in (0, 1 / 64, 1 / 16, 1 / 4, 1)}
    )


def _growing(steps: int, doubling: int) -> list[int]:
    """0, powers of 2^(1/doubling) rounded to whole steps, and the last step."""
    grown = {round(2 ** (power / doubling)) for power in range(doubling * steps.bit_length())}
    return sorted({0, steps} | {step for step in grown if step < steps})
