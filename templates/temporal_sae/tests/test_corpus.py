from __future__ import annotations

import pytest
from temporal_sae import corpus

REPEATED = "A paragraph that several pages repeat word for word, and that is long enough to be recognised as such."


def documents(count: int = 200) -> dict[str, str]:
    texts = {f"ref/page{i}.txt": f"Own words of page {i}.\n\n{REPEATED}\n\n" + f"p{i} " * 40 for i in range(count)}
    return texts | {f"releases/{i}.txt": f"Release {i}. " * 20 for i in range(20)}


def test_parts_share_no_document_and_lose_none() -> None:
    parts = corpus.split(documents())
    names = [name for part in corpus.PARTS for name in parts[part]]
    assert len(names) == len(set(names)) == 220
    assert all(len(parts[part]) > 5 for part in corpus.PARTS)


def test_a_document_stays_in_its_part_when_others_are_added() -> None:
    few, many = corpus.split(documents(100)), corpus.split(documents(200))
    assert all(set(few[part]) <= set(many[part]) for part in corpus.PARTS)


def test_release_notes_go_to_train_alone() -> None:
    parts = corpus.split(documents())
    assert {part for part in corpus.PARTS if any(name.startswith("releases/") for name in parts[part])} == {"train"}


def test_what_train_holds_word_for_word_is_not_graded() -> None:
    parts = corpus.split(documents())
    assert any(REPEATED in text for text in parts["train"].values())
    for part in ("tune", "dev", "test"):
        assert all(REPEATED not in text and "Own words" in text for text in parts[part].values())


def test_a_sequence_never_crosses_a_document() -> None:
    texts = {"a": "1 " * 10, "b": "2 " * 7}
    sequences = corpus.token_sequences(texts, lambda text: [int(word) for word in text.split()], 4, 3)
    assert sorted(sequences) == [[1] * 4, [1] * 4, [2] * 4]


def test_too_little_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="only 2"):
        corpus.token_sequences({"a": "1 " * 10}, lambda text: [1] * len(text.split()), 4, 3)


def test_the_digest_depends_on_names_and_texts() -> None:
    digests = {corpus.corpus_digest(texts) for texts in ({"a": "x"}, {"b": "x"}, {"a": "y"}, {"a": "x", "b": "y"})}
    assert len(digests) == 4
