"""Tags of languages."""

import pytest

from mscnn.text.language import Language, check_tags
from tests.raises import fails


@pytest.mark.parametrize(
    "tag, canonical, name",
    [
        ("en-US", "en-US", "English"),
        ("de_at", "de-AT", "German"),
        ("ZH-hant-tw", "zh-Hant-TW", "Chinese"),
        ("no", "no", "Norwegian"),
        ("es-419", "es-419", "Spanish"),
    ],
)
def test_tags(tag, canonical, name):
    assert (str(Language.parse(tag)), Language.parse(tag).name) == (canonical, name)


@pytest.mark.parametrize(
    "tag, near",
    [("German", "de (German)"), ("deu", "de (German)"), ("en-USA", "en (English)"), ("polsh", "pl"), ("xx", "BCP 47")],
)
def test_unknown_languages_are_refused_with_the_nearest(tag, near):
    with fails("language-invalid", f"language {tag}", near):
        Language.parse(tag)
    with fails("language-invalid", tag.split()[0]):
        check_tags(f"en {tag}")
