from __future__ import annotations

from pathlib import Path

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
    assert sorted(sequences.tokens_NT.tolist()) == [[1] * 4, [1] * 4, [2] * 4]


def test_each_sequence_is_found_in_its_document_again() -> None:
    texts = {"a": "1 2 3 4 5 6 7", "b": "8 9 1 2 3 4 5"}
    found = corpus.token_sequences(texts, lambda text: [int(word) for word in text.split()], 3, 4)
    for tokens, document, at in zip(found.tokens_NT, found.documents_N, found.positions_N, strict=True):
        assert " ".join(map(str, tokens)) == " ".join(texts[found.names[document]].split()[at : at + 3])


def test_fewer_sequences_are_the_first_of_more() -> None:
    texts = {str(n): "1 2 3 4 5 6" for n in range(20)}
    few, many = (corpus.token_sequences(texts, lambda text: text.split(), 2, wanted) for wanted in (7, 30))
    assert few.documents_N.tolist() == many.documents_N.tolist()[:7]


def test_lines_of_a_file_are_documents_and_a_repeated_one_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text('{"text": "same"}\n\n{"text": "same", "url": "x"}\n{"id": "named", "text": "other"}\n')
    assert sorted(corpus.read_documents(path).values()) == ["other", "same"]
    assert "named" in corpus.read_documents(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("{oops", "line 1: not JSON"),
        ('{"text": "a"}\n{"words": "b"}', "line 2: no string under the key 'text'"),
        ('{"id": 1, "text": "a"}\n{"id": 1, "text": "b"}', "line 2: id '1' was used before"),
        ("", "no document"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "pages.jsonl").write_text(lines)
    with pytest.raises(ValueError, match=message):
        corpus.read_documents(tmp_path / "pages.jsonl")


def test_too_little_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="only 2"):
        corpus.token_sequences({"a": "1 " * 10}, lambda text: [1] * len(text.split()), 4, 3)


def test_the_digest_depends_on_names_and_texts() -> None:
    digests = {corpus.corpus_digest(texts) for texts in ({"a": "x"}, {"b": "x"}, {"a": "y"}, {"a": "x", "b": "y"})}
    assert len(digests) == 4
