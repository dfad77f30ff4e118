"""An encoding is read rightly or refused; never guessed silently wrong."""

# ruff: noqa: E501 - one language, one line
from __future__ import annotations

from pathlib import Path

import pytest

from indexer.encoding import EncodingError, decode
from tests.shared import SHARED, needs_shared

CHINESE = "茶叶怕五样东西：光、热、潮、氧气和别的味道。绿茶要密封放进冰箱，取出来以后等罐子回到室温再开盖。"
TAIWAN = "茶葉怕五樣東西：光、熱、潮、氧氣和別的味道。綠茶要密封放進冰箱，取出來以後等罐子回到室溫再開蓋。"
JAPANESE = "お茶の葉は光と熱と湿気をきらいます。緑茶は冷蔵庫に入れて、使う前に室温にもどしてください。"
KOREAN = "찻잎은 빛과 열과 습기를 싫어합니다. 녹차는 냉장고에 넣고 쓰기 전에 실온으로 돌아오게 하세요. 이것은 아주 중요한 일입니다."
RUSSIAN = "Чай не любит света, тепла и влаги. Зелёный чай хранят в холодильнике, а перед тем как открыть банку, ждут, пока она согреется."
GREEK = "Το τσάι δεν αγαπά το φως και τη ζέστη. Το πράσινο τσάι το βάζουμε στο ψυγείο και το αφήνουμε να ζεσταθεί πριν το ανοίξουμε."
HEBREW = "התה לא אוהב אור, חום או לחות. את התה הירוק שומרים במקרר, אבל לפני שפותחים אותו מחכים עד שהוא מתחמם."
ARABIC = "الشاي لا يحب الضوء أو الحرارة. نحفظ الشاي الأخضر في الثلاجة، ومن المهم أن ننتظر قبل فتح العلبة حتى لا تدخل الرطوبة إلى الأوراق."
FRENCH = "Le thé n'aime ni la lumière ni la chaleur. On garde le thé vert au réfrigérateur, et on attend qu'il soit à température avant de l'ouvrir."
POLISH = "Herbata nie lubi światła ani ciepła. Zieloną herbatę przechowujemy w lodówce, a przed otwarciem czekamy, aż się ogrzeje, bo jest wilgoć."
TURKISH = "Çay ışığı ve sıcağı sevmez. Yeşil çay buzdolabında saklanır, ama açmadan önce ısınması için bir süre beklenir; bu çok önemli."

CASES = [
    *(
        (CHINESE, name)
        for name in ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "hz")
    ),
    *((TAIWAN, name) for name in ("big5", "gb18030")),
    *((JAPANESE, name) for name in ("cp932", "euc_jp", "iso2022_jp", "utf-16-le")),
    *((KOREAN, name) for name in ("cp949", "euc_kr", "johab")),
    *((RUSSIAN, name) for name in ("cp1251", "koi8_r", "iso8859_5", "cp866")),
    *((GREEK, name) for name in ("cp1253", "iso8859_7")),
    *((HEBREW, name) for name in ("cp1255",)),
    *((ARABIC, name) for name in ("cp1256", "iso8859_6")),
    *((FRENCH, name) for name in ("cp1252", "latin-1", "mac_roman")),
    *((POLISH, name) for name in ("cp1250", "iso8859_2")),
    *((TURKISH, name) for name in ("cp1254",)),
]


@pytest.mark.parametrize(("text", "name"), CASES, ids=[f"{text.split()[0][:6]}-{name}" for text, name in CASES])
def test_a_paragraph_is_read_in_the_encoding_it_was_written_in(text, name):
    assert decode(text.encode(name))[0] == text


@pytest.mark.parametrize("text", ["茶馆", "São Paulo", "5 £", "Москва", "서울", "café"])
def test_a_few_characters_are_read_rightly_or_refused(text):
    name = {"茶": "gb18030", "М": "cp1251", "서": "cp949"}.get(text[0], "cp1252")
    try:
        assert decode(text.encode(name))[0] == text
    except EncodingError as error:
        assert "UTF-8" in str(error)


def test_what_a_page_or_a_header_declares_settles_what_the_bytes_leave_open():
    page = '<meta charset="windows-1252"><p>São Paulo</p>'
    assert decode(page.encode("cp1252")) == (page, "cp1252")
    assert decode("São Paulo".encode("cp1252"), "ISO-8859-1") == ("São Paulo", "cp1252")


def test_a_declaration_that_does_not_fit_is_not_believed():
    page = '<?xml version="1.0" encoding="ascii"?><p>' + CHINESE + "</p>"
    assert decode(page.encode("gb18030"), "shift_jis")[0] == page


def test_a_declared_gb2312_may_hold_characters_of_its_successor():
    page = '<meta charset="gb2312">朱镕基'
    assert decode(page.encode("gb18030"))[0] == page


def test_a_mark_that_lies_is_refused_with_the_place():
    with pytest.raises(EncodingError, match=r"marked as utf-16-le, but byte 12"):
        decode(b"\xff\xfe" + "tea tea".encode("utf-16-le")[:12] + b"\x00\xd8a\x00" * 9)


def test_a_last_character_cut_in_half_is_left_out():
    assert decode((CHINESE + "茶").encode()[:-1])[0] == CHINESE


def test_a_few_broken_bytes_in_much_good_utf8_are_replaced_and_said():
    text, name = decode((CHINESE * 9).encode() + b"\xff\xfe" + "完".encode())
    assert name == "utf-8, damaged"
    assert text.count("\ufffd") == 2


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x7fELF\x02\x01" + b"\x00" * 300 + b"code" * 99])
def test_binary_data_is_not_a_text(data):
    with pytest.raises(EncodingError, match="binary"):
        decode(data)


def crawled() -> list[tuple[Path, str]]:
    """Files named by the encoding they are in; the one in EUC-TW cannot be decoded by Python at all."""
    names = {"GB2312": "gb18030", "EUC-TW": "", "iso-8859-1": "cp1252"}
    found = []
    for path in sorted((SHARED / "data/documents/encodings").glob("*/*")):
        folder = path.parent.name
        name = names.get(folder, f"cp{folder.split('-')[1]}" if folder.startswith("windows") else folder)
        found.append((path, name))
    laws = sorted((SHARED / "data/documents/zh_laws_encodings").iterdir())
    return found + [(path, path.name.split(".")[-2]) for path in laws]


@needs_shared
def test_of_256_real_files_none_is_wrong_and_at_most_two_are_refused_without_hints(monkeypatch):
    monkeypatch.setattr("indexer.encoding.said", lambda data, declared: None)
    refused = []
    for path, name in crawled():
        data = path.read_bytes()
        try:
            text = decode(data)[0]
        except EncodingError:
            refused.append(path.name)
            continue
        assert text.lstrip("\ufeff") == data.decode(name).lstrip("\ufeff"), path
    assert len(refused) <= 2
