"""Names that programs get wrong. Linux allows all: any bytes but `/` and NUL, at most 255."""

import unicodedata

NAME_MAX_BYTES = 255

UNICODE = tuple(
    text.encode()
    for text in (
        "Отчёт за март.txt",
        "Ёлка и щука — «кавычки».md",
        unicodedata.normalize("NFC", "Й composed é.txt"),
        unicodedata.normalize("NFD", "Й composed é.txt"),
        "日本語の名前.txt",
        "עברית.txt",
        "emoji 👩‍👩‍👧‍👦 🏳️‍🌈.png",
        "zero\u200bwidth\u2060.txt",
        "right\u202eto left.txt",
        "\ufeffbyte order mark.txt",
        "replacement \ufffd itself.txt",
        "line\u2028separator.txt",
    )
)

# KOI8-R, CP1251, a lone continuation byte, a cut sequence, an encoded surrogate, an overlong slash.
NOT_UTF8 = (
    "отчёт.txt".encode("koi8-r"),
    "отчёт.txt".encode("cp1251"),
    b"lone \x80 byte",
    b"cut \xe2\x82",
    b"surrogate \xed\xa0\x80.txt",
    b"overlong \xc0\xaf.txt",
    b"\xff\xfe",
    b"mixed \xd0\x96 and \xd0.txt",
)

AWKWARD = (
    b"line\nbreak.txt",
    b"carriage\rreturn",
    b"tab\there.txt",
    b" leading space",
    b"trailing space ",
    b"   ",
    b"-rf",
    b"--exclude=everything",
    b"star*.txt",
    b"question?.txt",
    b"[a-z].txt",
    b"brackets]{a,b}[",
    b"back\\slash.txt",
    b"\\xff",
    b"\\",
    b"double\"quote'single`back.txt",
    b"$HOME $(id) ${x}",
    b"semi;colon & pipe | <angle>",
    b"percent %2F %s %n.txt",
    b"hash # tilde ~",
    b"~",
    b"C:\\Windows\\path.txt",
    b"colon:stream",
    b"CON",
    b"trailing dots...",
    b"...",
    b".hidden",
    b"\x01\x02\x1b[31mred\x1b[0m\x7f",
    b"!bang",
    b"comma,equals=at@plus+",
)

LONGEST = (
    b"x" * NAME_MAX_BYTES,
    "длинное имя ".encode() * 11 + "ё".encode() * 6 + b".",
    ("ы" * 127).encode() + b".",
    ("\U0001f600" * 63).encode() + b"end",
    b"\xfe" * NAME_MAX_BYTES,
)

ALL = UNICODE + NOT_UTF8 + AWKWARD + LONGEST
