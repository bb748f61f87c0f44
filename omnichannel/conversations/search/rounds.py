"""Search newest first, in rounds of a bounded size, so that no query costs more in a large database."""

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from omnichannel.core.word_index import Alternatives, WordIndex

ROUNDS: Final = (400, 2000, 2000, 2000, 2000)  # rows with the words in each round
SECONDS: Final = 2.0  # for a statement; no round begins later

Row = TypeVar("Row")


def find_visible(
    index: WordIndex,
    alternatives: Alternatives,
    get_visible: Callable[[Sequence[int]], Sequence[Row]],
    is_enough: Callable[[Sequence[Row]], bool],
) -> tuple[list[Row], bool]:
    """Return rows of the newest texts with some words, and False when older ones may have the words, too.

    Args:
        index: the index of the texts.
        alternatives: the words, see WordIndex.find.
        get_visible: returns the rows the user may see, from keys of texts, newest first.
        is_enough: returns whether more rows are of no use; then True is returned although there may be more.
    """
    rows: list[Row] = []
    before, begin = None, time.monotonic()
    for limit in ROUNDS:
        keys = index.find(alternatives, limit=limit, before=before)
        rows += get_visible(keys) if keys else []
        if len(keys) < limit or is_enough(rows):
            return rows, True
        if time.monotonic() - begin > SECONDS:
            break
        before = keys[-1]
    return rows, False
