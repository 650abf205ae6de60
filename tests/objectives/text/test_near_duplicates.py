import random

import numpy as np

from tuner.objectives.text.near_duplicates import groups, signature


def document(seed: int, words: int = 400) -> str:
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefghij", k=rng.randint(2, 8))) for _ in range(words))


def grouped(texts: list[str], threshold: float = 0.8) -> list[int]:
    signatures = np.stack([signature(text.encode()) for text in texts])
    return [int(group) for group in groups(signatures, texts, threshold)]


def test_documents_that_differ_in_a_few_words_are_near_duplicates_and_others_are_not() -> None:
    first = document(1)
    words = first.split()
    words[200] = "changed"
    assert grouped([first, document(2), " ".join(words), document(3), first]) == [0, 1, 0, 3, 0]


def test_what_is_near_a_near_duplicate_is_in_its_group() -> None:
    chain = [document(1)]
    for place in range(3):
        words = chain[-1].split()
        words[100 * place] = f"changed{place}"
        chain.append(" ".join(words))
    assert grouped(chain) == [0, 0, 0, 0]


def test_without_a_threshold_only_equal_documents_are_joined() -> None:
    first = document(1)
    assert grouped([first, first + " more", first], threshold=0) == [0, 1, 0]


def test_the_share_of_equal_bins_estimates_what_documents_have_in_common() -> None:
    shared, own = document(1, 3000), [document(seed, 1000) for seed in (2, 3)]
    one, other = (signature(f"{shared} {each}".encode()) for each in own)
    assert abs((one == other).mean() - 0.6) < 0.2  # 3000 of 5000 words


def test_short_and_empty_documents_have_signatures() -> None:
    assert grouped(["", "a", "b", "a"], threshold=1.0) == [0, 1, 2, 1]
