"""Encodings told from bytes alone, and bytes that stay bytes."""

from __future__ import annotations

import pytest

from douane.errors import BadFile
from douane.sheet.formats.encoding_guess import CANDIDATES, guess_encoding
from douane.sheet.formats.letters import LETTERS
from douane.sheet.formats.stream import Forward
from douane.sheet.formats.text_encoding import LIKE_ASCII, OTHERS, Encoding, detect_encoding, detect_unicode
from tests.sheet.formats.encoded_tables import tables
from tests.sheet.formats.reading import MemorySource, rows_of

TEXTS = {
    "cp1252": [
        "Müller Straße Köln grün",
        "café déjà où élève garçon",
        "mañana el niño está aquí",
        "år på gården øl færge",
    ],
    "cp1250": ["žluťoučký kůň úpěl ďábelské ódy", "zażółć gęślą jaźń", "árvíztűrő tükörfúrógép", "če škatla življenje"],
    "iso8859_2": ["żółć ślimak źródło świat ąż", "příliš žluťoučký šíp řeší"],
    "cp1251": ["Москва город улица дом", "София улица къща път", "Київ місто вулиця їжак"],
    "koi8_r": ["Москва город улица дом", "привет как дела сегодня"],
    "cp1253": ["Αθήνα οδός πόλη", "καλημέρα τι κάνετε σήμερα"],
    "cp1254": ["İstanbul şehir çağrı ığdır", "güzel bir gün değil mi şöyle ısınır"],
    "cp1255": ["ירושלים עיר רחוב", "שלום מה שלומך היום"],
    "cp1256": ["القاهرة مدينة شارع", "مرحبا كيف حالك اليوم"],
    "cp932": ["東京都 千代田区 の テスト です", "こんにちは カタカナ 表示"],
    "euc_jp": ["東京都 千代田区 の テスト です", "こんにちは カタカナ 表示"],
    "gb18030": ["北京市 海淀区 的 文件 名称", "你好 今天 是 星期 一 请 输入"],
    "big5": ["臺北市 檔案 名稱 的 使用者", "你好 今天 是 星期 一 請 輸入"],
    "cp949": ["서울시 대한민국 파일 이름", "안녕하세요 오늘은 월요일 입니다"],
    "mac_roman": ["café déjà naïve élève garçon", "mañana el niño está aquí"],
}


@pytest.mark.parametrize("codec", TEXTS)
def test_old_encodings_are_told_from_a_table(codec: str) -> None:
    for text in TEXTS[codec]:
        rows = [["id", "text", "amount"]] + [[str(i), text, f"{i}.50"] for i in range(8)]
        body = "".join(",".join(row) + "\n" for row in rows).encode(codec)
        guess = guess_encoding([body])
        assert guess is not None
        assert body.decode(guess.codec) == body.decode(codec)
        assert rows_of(body) == rows


@pytest.mark.parametrize("seed", [1, 2])
def test_tables_of_forty_languages_are_read_right_or_said_to_be_uncertain(seed: int) -> None:
    right = noted = 0
    wrong, unsaid = [], []
    for table in tables(seed):
        found = detect_encoding(MemorySource(table.body), None)
        uncertain = any("uncertain" in note or "no UTF-8" in note for note in found.notes)
        if table.body.decode(found.name, "replace") == table.text:
            right += 1
            noted += uncertain
        else:
            wrong.append((table.language, table.encoding, found.name))
            if not uncertain:
                unsaid.append(wrong[-1])
    assert not unsaid
    assert right >= 0.98 * (right + len(wrong)), wrong
    assert noted <= 0.05 * right


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("mac_cyrillic", ["хлебар", "водач", "Цветан Ъгълов"]),
        ("mac_cyrillic", ["вече платено вчера", "Лъвов мост"]),
        ("cp1251", ["пекарь", "ул. Щепкина"]),
        ("cp775", ["Jõgeva", "Võru", "Põltsamaa"]),
        ("euc_jp", ["長野県松本市", "福岡県久留米市"]),
        ("iso8859_2", ["Stĺp a vŕba", "Čučoriedky"]),
        ("iso8859_11", ["ถนนสุขุมวิท", "ชื่อ"]),
        ("cp863", ["réception", "août", "dû à Noël"]),
        ("cp863", ["Élève", "À payer"]),
    ],
)
def test_a_few_words_are_read_right_or_said_to_be_uncertain(encoding: str, words: list[str]) -> None:
    text = "id;name;qty\r\n" + "".join(f"{at};{word};{at * 7}\r\n" for at, word in enumerate(words))
    found = detect_encoding(MemorySource(text.encode(encoding)), None)
    assert any("uncertain" in note for note in found.notes) or text.encode(encoding).decode(found.name) == text


@pytest.mark.parametrize(
    "rows",
    [
        # Bank and stock programs write katakana half as wide.
        [["ﾅﾏｴ", "ﾋﾝﾒｲ"], ["ﾔﾏﾀﾞ", "ﾎﾞﾙﾄ"], ["ｻﾄｳ", "ﾈｼﾞ"], ["ﾀﾅｶ", "ﾜｯｼｬｰ"]] * 4,
        [["ｺｰﾄﾞ", "品名", "個数"], ["0", "ﾈｼﾞ", "12"], ["1", "ﾜｯｼｬｰ", "3"], ["2", "ﾅｯﾄ", "70"]],
        [["ﾌﾘｶﾞﾅ", "金額"], ["ﾐｽﾞﾎ ﾀﾛｳ", "1200"], ["ｽｽﾞｷ ﾊﾅｺ", "80"], ["ｶ)ﾆｼﾑﾗ", "5"]],
    ],
)
def test_half_width_katakana_is_japanese(rows: list[list[str]]) -> None:
    assert rows_of("".join(",".join(row) + "\r\n" for row in rows).encode("cp932")) == rows


@pytest.mark.parametrize(
    ("encoding", "word"), [("iso2022_jp", "太郎"), ("iso2022_kr", "서울"), ("hz", "上海"), ("utf-7", "Jürgen")]
)
def test_seven_bit_encodings_are_told_by_their_codes(encoding: str, word: str) -> None:
    rows = [["id", "name"], ["1", word], ["2", "plain"], ["3", word * 2]]
    body = "".join(",".join(row) + "\n" for row in rows).encode(encoding)
    assert rows_of(body) == rows
    assert "guessed" in detect_encoding(MemorySource(body), None).notes[0]


@pytest.mark.parametrize(
    "body",
    [
        b"id,phone\n1,+49 171 5550000\n2,+1-202-555-0100\n",
        b"id,expression\n1,a+b-c\n2,+AOQ- is how UTF-7 writes it and 1+1-2 is none\n",
        b"id,pattern\n1,~{x}\n2,{~}\n",
        b"id,colour\n1,\x1b[31mred\x1b[0m\n",
    ],
)
def test_plain_text_is_taken_for_no_seven_bit_encoding(body: bytes) -> None:
    assert detect_encoding(MemorySource(body), None) == Encoding("utf-8")


@pytest.mark.parametrize("encoding", ["cp037", "cp500", "cp273"])
def test_a_table_of_a_mainframe_is_read(encoding: str) -> None:
    rows = [["id", "name", "amount"]] + [[str(at), "Jürgen Weiß", f"{at}.50"] for at in range(20)]
    body = "".join(",".join(row) + "\n" for row in rows).encode(encoding)
    assert rows_of(body) == rows
    found = detect_encoding(MemorySource(body), None)
    # In two of them these letters are the same; the third has brackets there.
    assert found.notes[0] == f"The encoding was guessed: {found.name}."
    assert found.name == {"cp500": "cp037"}.get(encoding, encoding)


def test_signs_that_mainframes_write_differently_leave_it_uncertain() -> None:
    body = "id,note\n1,due [now]\n2,a^b\n".encode("cp500")
    assert "uncertain" in detect_encoding(MemorySource(body), None).notes[0]


def test_control_codes_between_letters_are_told() -> None:
    broken = "id,name\n1,Köln\n2,Łódź\n".encode().decode("latin-1").encode()
    assert "damaged before" in detect_encoding(MemorySource(broken), None).notes[0]
    assert not detect_encoding(MemorySource("id,name\n1,Köln\n".encode()), None).notes


def test_a_few_bad_bytes_in_a_plain_file_are_bad_bytes() -> None:
    body = b"id,v\n" + b"".join(b"%d,all is well here\n" % i for i in range(300)) + b"300,\xff\xfe\xc3(\n"
    assert guess_encoding([body]) is None
    assert detect_encoding(MemorySource(body), None).name == "utf-8"


def test_utf8_with_damage_stays_utf8() -> None:
    body = "é,ü\n".encode() * 50 + b"\xe9,x\n"
    encoding = detect_encoding(MemorySource(body), None)
    assert encoding.name == "utf-8"
    assert encoding.notes


def test_samples_from_all_over_decide() -> None:
    body = b"a,b\n" + b"1,plain\n" * 400_000 + "2,Straße über die Brücke nach Köln\n".encode("cp1252") * 9
    assert len(body) > 3 << 20
    assert detect_encoding(MemorySource(body), None).name == "cp1252"
    late = MemorySource(body.replace(b"Stra\xdfe", "Straße".encode())[: -40 * 9] + b"3,\n" * 200)
    assert detect_encoding(late, None).name in {"cp1252", "utf-8"}


def test_samples_may_cut_through_signs() -> None:
    body = b"a," + "日".encode() * 900_000 + b"\n"
    for shift in range(3):
        assert detect_encoding(MemorySource(b"x" * shift + body), None).name == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["id,name\n1,plain\n2,text\n", "id,name\n1,日本語　テスト\n2,Привет\n", "番号;名前\n1;山\n"]
)
def test_wide_encodings_without_a_mark(encoding: str, text: str) -> None:
    if text.startswith("番") and encoding.startswith("utf-16"):
        text += "2;x,y,z\n" * 3
    body = text.encode(encoding)
    found = detect_unicode(body)
    assert (found.name, found.mark, found.transcribe) == (encoding, 0, True)


def test_nul_bytes_are_no_utf16() -> None:
    assert detect_encoding(MemorySource(b"a,b,c\n\0,2,3\n"), None).name == "utf-8"
    assert detect_encoding(MemorySource(b"id,na\0me\n1,a\0b\n"), None).name == "utf-8"


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    for name in ("utf-8", "cp1252", "cp932", "utf-16-le"):
        encoding = Encoding(name, transcribe=name == "utf-16-le")
        data = "日,a" if name in ("cp932", "utf-16-le") else "é,a"
        bad = data.encode(name) + {"utf-8": b"\xff", "cp1252": b"\x81", "cp932": b"\x81 ", "utf-16-le": b"\0\xdc"}[name]
        if encoding.transcribe:
            utf8 = bad.decode(name, "douane.carry").encode("utf-8", "surrogatepass")
        else:
            utf8 = encoding.to_utf8(bad)
        text, undecodable = encoding.readable(utf8)
        assert undecodable
        assert text.startswith(data + "\\x")
        assert encoding.original(utf8) == bad


def test_names_are_pythons_own() -> None:
    for name in LIKE_ASCII | OTHERS:
        assert "x".encode(name) is not None
    with pytest.raises(BadFile, match="not known"):
        detect_encoding(MemorySource(b"a"), "klingon")
    assert all(language in LETTERS for _, languages, _ in CANDIDATES for language in languages)


def test_forward_reads_like_a_file() -> None:
    data = bytes(range(256)) * 40
    starts = 0

    def chunks() -> object:
        nonlocal starts
        starts += 1
        return (data[i : i + 100] for i in range(0, len(data), 100))

    stream = Forward(chunks, lambda: 0)  # type: ignore[arg-type]
    for offset, length in [(0, 10), (5, 300), (250, 100), (3000, 0), (3000, 7), (9000, 5000), (0, 50), (20000, 5)]:
        assert stream.read(offset, length) == data[offset : offset + length]
    assert starts == 2


@pytest.mark.parametrize("damage", [b"\xff", b"\xff\xfe", b"abc\xffdef", b"\xc3("])
def test_a_few_damaged_bytes_make_no_other_script(damage: bytes) -> None:
    """They are shown as bytes of an invalid record, not as letters that nobody wrote."""
    assert guess_encoding([b"a,b\n1," + damage + b"\n"]) is None


@pytest.mark.parametrize("codec", ["cp1252", "cp850", "mac_roman", "cp1251", "koi8_r"])
def test_a_blank_that_groups_digits_is_no_letter(codec: str) -> None:
    """Where it is all there is beyond ASCII, too: cp866 has the commonest of Russian letters at its place in cp1252."""
    name = "Иван" if codec in ("cp1251", "koi8_r") else "Jean"
    rows = [f"{name} {row};{row}\u00a0{row * 17 % 1000:03},50" for row in range(1, 30)]
    guess = guess_encoding(["\n".join(rows).encode(codec)])
    assert guess is not None
    assert guess.codec == codec


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        # One letter or two beyond ASCII in all of the table: the plain ones around tell the language.
        ("cp1252", "martedì 23 marzo 2021|franco convertibile del Lussemburgo|Moldavia"),
        ("cp850", "Kroatië|Noorwegen|Zwitserland|Nieuw Zeeland"),
        ("cp865", "Salomonøerne|kapverdisk|rumænsk|tirsdag"),
    ],
)
def test_plain_words_tell_the_language(encoding: str, words: str) -> None:
    rows = [["id", "text", "amount"], *([str(at), text, f"{at}.50"] for at, text in enumerate(words.split("|") * 3))]
    assert rows_of("".join(",".join(row) + "\n" for row in rows).encode(encoding)) == rows


def test_what_has_no_sign_of_utf8_is_not_said_to_be_likely_utf8() -> None:
    for text in ("Konto;Gegenkonto;Schlüssel\n8400;10001;3\n4240;70001;\n", "Población\nAraba/Álava;1\nAlbacete;2\n"):
        found = detect_encoding(MemorySource(text.encode("cp1252")), None)
        assert found.name == "cp1252"
        assert not any("utf-8" in note for note in found.notes)


def test_bytes_that_prove_nothing_are_said_to_be_uncertain() -> None:
    assert "uncertain" in detect_encoding(MemorySource(b"id,name\n1,abc\xffdef\n"), None).notes[0]
    # Romanian: a cedilla in one encoding is a comma in the other, byte for byte.
    romanian = "id,oraș\n1,Timișoara\n2,Bacău și Târgu Mureș\n3,Constanța\n".encode("iso8859_16")
    assert "iso8859-16" in detect_encoding(MemorySource(romanian), None).notes[0]
