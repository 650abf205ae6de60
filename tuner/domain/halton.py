"""Points spread evenly over a cube."""

from collections.abc import Iterator


def halton(dimensions: int, count: int) -> Iterator[tuple[float, ...]]:
    """Yield `count` points spread evenly over the unit cube (Halton, 1960): no generator, no seed."""
    bases = _primes(dimensions)
    for index in range(1, count + 1):
        yield tuple(_radical_inverse(index, base) for base in bases)


def _radical_inverse(index: int, base: int) -> float:
    value, fraction = 0.0, 1.0 / base
    while index:
        index, digit = divmod(index, base)
        value += digit * fraction
        fraction /= base
    return value


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found
