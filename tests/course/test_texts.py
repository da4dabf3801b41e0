"""The learner's sentences: each that is asked for exists, each that exists is used and fits."""

import re
import string
from pathlib import Path

import pytest

from minihv.course import glossary, term, texts
from minihv.course.exercise import CourseError, all_chapters, chapter

COURSE = Path(texts.__file__).parent
CHAPTERS = COURSE.parent / "chapters"
TOOLS = COURSE.parent / "tools"      # `minihv check` says some of it
SOURCES = "\n".join(path.read_text() for folder in (COURSE, CHAPTERS, TOOLS)
                    for path in folder.rglob("*.py") if "views" not in path.parts)
OWN = ("common", "check", "hint", "predict", "measure", "progress", "state", "term", "show",
       "judge", "reset")
# Put together from parts where they are used.
COMPOSED = ({f"choice_{letter}" for letter in "abcd"} | {"error_at", "odd_at", "unsolved_at"}
            | {"title", "hints", "passed", "slow", "stuck", "died", "flood"})
# Families of sentences: the source puts a name behind each of these.
FAMILIES = ("innocent_", "missed_", "trap_", "sret_", "choice_", "count_")


def keys() -> list[tuple[str, str, object]]:
    exercises = [one.id for number in all_chapters() for one in chapter(number)]
    return [(place, key, text) for place in (*OWN, *exercises)
            for key, text in texts.table("en")[place].items()]


@pytest.mark.parametrize(("place", "key", "text"), keys())
def test_each_text_is_used_and_well_formed(place: str, key: str, text: object):
    family = next((f for f in FAMILIES if key.startswith(f)), "no family")
    assert (re.search(rf"""["']{key}["']""", SOURCES) or key in COMPOSED
            or f'"{family}{{' in SOURCES), "nobody says this"
    for sentence in [text] if isinstance(text, str) else text:
        assert sentence.strip()
        assert "—" not in sentence
        if isinstance(text, str):
            assert all(name is None or re.fullmatch(r"\w+", name)
                       for _, name, _, _ in string.Formatter().parse(sentence))


def test_each_sentence_that_the_code_names_exists():
    for place, key in re.findall(r'\bsay\("([\w.]+)", "(\w+)"', SOURCES):
        assert texts.has(place, key), (place, key)


def test_each_verdict_of_a_chapter_has_its_sentence():
    for number in all_chapters():
        for path in (CHAPTERS / f"ch{number}" / "checks").glob("*.py"):
            for key in re.findall(r'(?:wrong|_Found)\("(\w+)"', path.read_text()):
                places = [one.id for one in chapter(number)]
                assert any(texts.has(place, key) for place in (*places, "common")), key


def test_each_exercise_has_a_title_hints_and_a_word_of_praise():
    for number in all_chapters():
        for one in chapter(number):
            assert one.title
            assert 2 <= len(texts.several(one.id, "hints")) <= 3
            assert texts.has(one.id, "passed")


def test_a_translation_adds_a_folder_and_falls_back_to_english(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "xx").mkdir()
    (tmp_path / "xx" / "course.toml").write_text('[hint]\ntitle = "Wink {number}"\n')
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    texts.table.cache_clear()
    monkeypatch.setattr(texts, "FALLBACK", "xx")
    assert texts.say("hint", "title", number=3) == "Wink 3"
    monkeypatch.undo()
    texts.table.cache_clear()
    monkeypatch.setenv("MINIHV_LANG", "klingon")
    assert texts.say("hint", "none", id="01.1") == "There are no hints for 01.1."


def test_an_unknown_sentence_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        texts.say("hint", "nonsense")


# --- the glossary -----------------------------------------------------------------------------


def test_terms_stand_once_in_order_with_their_chapter():
    names = list(glossary.terms())
    assert names == sorted(names, key=str.casefold)
    assert len({name.casefold() for name in names}) == len(names)
    for where, meaning in glossary.terms().values():
        assert re.fullmatch(r"\d\d", where)
        assert meaning.endswith(".")


def test_a_term_is_found_whatever_its_case(capsys: pytest.CaptureFixture[str]):
    term("tlb")
    assert "Translation lookaside buffer" in capsys.readouterr().out


def test_an_unknown_term_names_its_neighbours():
    with pytest.raises(CourseError, match="Did you mean page walk"):
        term("page wlk")
    with pytest.raises(CourseError, match="no 'zzzzzz'"):
        term("zzzzzz")


def test_the_page_has_an_anchor_for_each_term():
    headings = re.findall(r"^## (.+)$", glossary.page(), re.MULTILINE)
    assert headings == list(glossary.terms())
    assert glossary.anchor("page walk") == "page-walk"
