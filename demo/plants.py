"""What grows in the sample tree: one function for each kind of thing."""

from itertools import chain

from demo import names
from demo.dice import Dice
from demo.planter import Planter

MIB = 1 << 20
SECOND_NS = 1_000_000_000
OFFICE_DEPARTMENTS, OFFICE_PROJECTS, OFFICE_FILES = 16, 20, 7
CROWD_FILES = 500
DEEP_LEVELS = 30
LARGE_NOISE, LARGE_MIXED = b"large/noise 32 MiB.bin", b"large/mixed 48 MiB.bin"
SHAPE_FILE, SHAPE_FOLDER = b"shape/first", b"shape/second"
LOCKED_FOLDER = b"unreadable/locked folder"


def office(planter: Planter) -> None:
    """The bulk: departments, projects, small documents of a few KiB, two thirds of them compressible."""
    planter.folder(b"office")
    for department in range(OFFICE_DEPARTMENTS):
        top = planter.folder(b"office/department %02d" % department)
        for project in range(OFFICE_PROJECTS):
            _project(planter, planter.folder(top + b"/project %02d" % project))
    planter.locked_file(b"office/department 03/project 07/locked [draft]*.txt")


def _project(planter: Planter, folder: bytes) -> None:
    for number in range(OFFICE_FILES):
        name = folder + b"/document %d.dat" % number
        dice = Dice(planter.seed, name)
        size_bytes = dice.between(1, 2_000) if dice.below(4) else dice.between(2_000, 60_000)
        pieces = dice.prose(size_bytes) if dice.below(3) else dice.noise(size_bytes)
        planter.file(name, pieces, mode=(0o644, 0o600, 0o664, 0o640)[dice.below(4)])


def crowd(planter: Planter) -> None:
    """One folder with many names, and the same content in several of them."""
    planter.folder(b"crowd")
    for number in range(CROWD_FILES):
        content = Dice(planter.seed, "crowd", number % 100).prose(200 + number % 100)
        planter.file(b"crowd/%04d.log" % number, content)


def deep(planter: Planter) -> None:
    """A chain of folders, one file at each level, one of them unreadable in the middle."""
    folder = planter.folder(b"deep")
    for level in range(1, DEEP_LEVELS + 1):
        folder = planter.folder(folder + b"/level %02d" % level)
        planter.file(folder + b"/note.txt", [b"level %d\n" % level])
        if level == DEEP_LEVELS * 2 // 3:
            planter.locked_file(folder + b"/locked\nin the deep")


def odd_names(planter: Planter) -> None:
    """Each awkward name once for a file and once for a folder with a file of that name in it."""
    planter.folder(b"names")
    planter.folder(b"names/files")
    planter.folder(b"names/folders")
    for name in names.ALL:
        planter.file(b"names/files/" + name, [b"content of ", name])
        folder = planter.folder(b"names/folders/" + name)
        planter.file(folder + b"/" + name, [b"below ", name])


def empties(planter: Planter) -> None:
    """Empty files and empty folders, also one in the other."""
    planter.folder(b"empty")
    for number in range(20):
        planter.file(b"empty/file %d" % number, [])
        folder = planter.folder(b"empty/folder %d" % number)
        if number % 5 == 0:
            planter.folder(folder + b"/also empty")


def large(planter: Planter) -> None:
    """Two large files: one all noise, one half compressible; and zeros that are data, no hole."""
    planter.folder(b"large")
    planter.file(LARGE_NOISE, Dice(planter.seed, LARGE_NOISE).noise(32 * MIB))
    dice = Dice(planter.seed, LARGE_MIXED)
    pairs = zip(dice.noise(24 * MIB), dice.prose(24 * MIB), strict=True)
    planter.file(LARGE_MIXED, chain.from_iterable(pairs))
    planter.file(b"large/written zeros.bin", [bytes(MIB)])


def sparse(planter: Planter) -> None:
    """Files with holes: between data, at the end, and nothing but a hole."""
    planter.folder(b"sparse")
    data = b"".join(Dice(planter.seed, "sparse").noise(64 * 1024))
    planter.sparse(b"sparse/holes.img", 6 * MIB + 123, {0: data, 2 * MIB: data[::-1], 6 * MIB: b"\1" * 123})
    planter.sparse(b"sparse/hole at the end.img", 2 * MIB, {4096: data})
    planter.sparse(b"sparse/only a hole.img", 3 * MIB, {})


def symlinks(planter: Planter) -> None:
    """Relative, absolute, dangling, to a folder, to itself, out of the tree, with odd targets."""
    planter.folder(b"links")
    planter.symlink(b"links/relative", b"../crowd/0001.log")
    planter.symlink(b"links/absolute", b"/etc/hostname")
    planter.symlink(b"links/to a folder", b"../office")
    planter.symlink(b"links/dangling", b"nowhere/at all")
    planter.symlink(b"links/itself", b"itself")
    planter.symlink(b"links/up", b"..")
    planter.symlink(b"links/not utf-8", b"../names/files/" + names.NOT_UTF8[0])
    planter.symlink("links/кириллица".encode(), "../names/files/Отчёт за март.txt".encode())
    planter.symlink(b"links/long", b"x/" * 1000 + b"x")
    planter.symlink(b"links/back\\slash\nbreak", b"target\\with\nbreak \xff")


def hard_links(planter: Planter) -> None:
    """Groups of two to five names over several folders; one group has one more name where nobody can look."""
    for folder in (b"hard", b"hard/one", b"hard/two"):
        planter.folder(folder)
    for group in range(8):
        content = Dice(planter.seed, "hard", group).prose(3000 * group)
        name = planter.file(b"hard/one/group %d" % group, content)
        for number in range(group % 4 + 1):
            folder = (b"two", b"one")[number % 2]
            planter.hard_link(b"hard/%s/group %d name %d" % (folder, group, number), name)
    planter.hard_link(b"crowd/hard link to group 1", b"hard/one/group 1")
    planter.file(b"hard/twin without a link", Dice(planter.seed, "hard", 1).prose(3000))


def special(planter: Planter) -> None:
    """Pipes, odd modes and odd times."""
    for folder, mode in ((b"fifo", 0o755), (b"modes", 0o755), (b"times", 0o755)):
        planter.folder(folder, mode)
    planter.fifo(b"fifo/pipe")
    planter.fifo("fifo/труба".encode(), 0o600)
    for mode in (0o400, 0o444, 0o500, 0o555, 0o600, 0o640, 0o666, 0o700, 0o755, 0o777, 0o606):
        planter.file(b"modes/%04o" % mode, [b"%04o" % mode], mode)
    for mode in (0o500, 0o555, 0o700, 0o777, 0o1777, 0o2755, 0o2775):
        planter.file(planter.folder(b"modes/folder %04o" % mode, mode) + b"/inside", [b"inside"])
    _times(planter)


def _times(planter: Planter) -> None:
    moments_ns = {
        b"before 1970": -365 * 86_400 * SECOND_NS - 999_999_999,
        b"epoch": 0,
        b"one nanosecond": 1,
        b"1980": 315_532_800 * SECOND_NS,
        b"almost the next second": 1_234_567_890 * SECOND_NS + 999_999_999,
        b"2037": 2_145_916_800 * SECOND_NS + 123_456_789,
        b"2100": 4_102_444_800 * SECOND_NS + 1,
    }
    for name, mtime_ns in moments_ns.items():
        planter.file(b"times/" + name, [name], mtime_ns=mtime_ns)
        planter.folder(b"times/folder " + name, mtime_ns=mtime_ns)


def attributes(planter: Planter) -> None:
    """Extended attributes on a file and a folder: text, bytes, an empty one, a Cyrillic name."""
    planter.folder(b"attributes")
    values = {
        b"user.comment": "проверка".encode(),
        b"user.bytes": bytes(range(256)),
        b"user.empty": b"",
        "user.имя".encode(): b"value",
    }
    planter.xattr(planter.file(b"attributes/file", [b"has attributes"]), values)
    planter.xattr(planter.folder(b"attributes/folder"), values)


def shapes(planter: Planter) -> None:
    """A file and a folder that change places with every change of the tree."""
    planter.folder(b"shape")
    planter.file(SHAPE_FILE, [b"a file for now"])
    planter.file(planter.folder(SHAPE_FOLDER) + b"/inside", [b"a folder for now"])


def unreadable(planter: Planter) -> None:
    """What an ordinary user can't read. More is in `office` and `deep`."""
    planter.folder(b"unreadable")
    planter.locked_file(b"unreadable/locked.txt")
    planter.locked_file("unreadable/Закрытый отчёт.docx".encode())
    planter.locked_file(b"unreadable/" + "закрыто".encode("koi8-r") + b".txt")
    planter.file(b"unreadable/not locked.txt", [b"its neighbours must not take it with them"])
    planter.locked_folder(LOCKED_FOLDER)
    planter.file(LOCKED_FOLDER + b"/hidden.txt", [b"a readable file that nobody gets to"])
    planter.hard_link(LOCKED_FOLDER + b"/hard link out", b"hard/one/group 0")


# In this order: a later one links to files of an earlier one.
ALL = (
    office,
    crowd,
    deep,
    odd_names,
    empties,
    large,
    sparse,
    symlinks,
    hard_links,
    special,
    attributes,
    shapes,
    unreadable,
)
