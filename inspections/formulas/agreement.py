"""Do two people who ask the same household write down the same answer? Per item, exact.

A re-interview (回访) repeats some visits by another surveyor. Agreement alone flatters items on which
nearly everybody says the same; Cohen's kappa takes out what chance would give (J. Cohen, A
coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960),
37-46).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Answer = str | None


@dataclass(frozen=True)
class Agreement:
    """`pairs` answered both times, `agreed` alike; `missing` are pairs with an answer left out.

    `kappa` is None without pairs, and where all answers of both are one and the same: chance alone
    would give that, and nothing is left to measure.
    """

    pairs: int
    agreed: int
    missing: int
    kappa: Fraction | None

    @property
    def share(self) -> Fraction | None:
        """Share of pairs that agree; None without pairs."""
        return Fraction(self.agreed, self.pairs) if self.pairs else None


def agreement(pairs: Iterable[tuple[Answer, Answer]]) -> Agreement:
    """First and second answer to one item, household by household."""
    listed = list(pairs)
    whole = [(one, other) for one, other in listed if one is not None and other is not None]
    agreed = sum(one == other for one, other in whole)
    return Agreement(len(whole), agreed, len(listed) - len(whole), _kappa(whole, agreed))


def by_item(answers: Mapping[str, Iterable[tuple[Answer, Answer]]]) -> dict[str, Agreement]:
    """Each item by itself, the least reliable first; items nobody answered twice stand last."""
    found = {item: agreement(pairs) for item, pairs in answers.items()}
    return dict(
        sorted(
            found.items(),
            key=lambda row: (row[1].share is None, row[1].share or 0, row[0]),
        )
    )


def _kappa(whole: list[tuple[str, str]], agreed: int) -> Fraction | None:
    if not whole:
        return None
    first = Counter(one for one, _ in whole)
    second = Counter(other for _, other in whole)
    chance = sum(first[answer] * second[answer] for answer in first)
    square = len(whole) ** 2
    if chance == square:
        return None
    return Fraction(agreed * len(whole) - chance, square - chance)
