"""The names of languages."""

import pytest
from django.utils import translation

from omnichannel.core.languages import language_name


@pytest.mark.parametrize(
    ("code", "english", "german"),
    [
        ("nb", "Norwegian Bokmål", "Norwegisch (Bokmål)"),
        ("nb_NO", "Norwegian Bokmål", "Norwegisch (Bokmål)"),
        ("sr-latn", "Serbian (Latin)", "Serbisch (Lateinisch)"),
        ("fil", "Filipino", "Filipino"),
        ("rw_RW", "Kinyarwanda", "Kinyarwanda"),
        ("de", "German", "Deutsch"),
        ("pt_BR", "Brazilian Portuguese", "Brasilianisches Portugiesisch"),
        ("xx_YY", "xx_YY", "xx_YY"),
        ("", "", ""),
    ],
)
def test_a_language_has_its_usual_name_in_the_readers_language(code: str, english: str, german: str) -> None:
    with translation.override("en"):
        assert language_name(code) == english
    with translation.override("de"):
        assert language_name(code) == german
