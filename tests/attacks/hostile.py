"""Generated hostile input: expressions, names, and problem files with the files beside them.

A case is a function of its number alone, so that a failing one can be run again by itself:
`python tests/attacks/sandbox.py FOLDER 1 NUMBER`.  Its kind is the number modulo 10 and its disguise the
next digits, so that each occurs as often as `LEAST` says whatever the random choices are; the kinds of
expressions and archives, which are drawn, are counted too.
"""

# ruff: noqa: E501

from __future__ import annotations

import io
import json
import random
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ["LEAST", "OCCURRED", "expression", "name", "write_case"]

# How often every kind occurred so far in this process.
OCCURRED: Counter[str] = Counter()
# The least number of cases (of expressions and numbers: occurrences) of every kind in 1,000 cases.
LEAST = {
    "pieces": 300, "damaged once": 100, "damaged twice": 200, "strange name": 100, "section of anything": 100,
    "path outside": 30, "link": 100, "made file": 60,
    "no quotes": 20, "YAML tag or anchor": 20, "duplicate keys": 20, "alias bomb": 20, "deep nesting": 20,
    "block style": 20, "broken bytes": 30, "cut off": 20,
    "expression: code or TeX": 20, "expression: soup": 20, "expression: nested": 5, "expression: powers": 5,
    "expression: growth": 5, "expression: long": 5, "expression: minus signs": 5, "expression: calls": 5,
    "expression: sign put in": 20, "expression: sign left out": 20, "expression: formula": 200,
    "archive: no archive": 10, "archive: strange members": 20, "archive: cut off": 5,
}  # fmt: skip

CODE = [
    "__import__('os').system('id')", "().__class__.__bases__[0].__subclasses__()", "eval('1')", "exec('x=1')",
    "open('/etc/passwd').read()", "lambda: 0", "t if t else t", "[t for t in t]", "{t: t}", "f'{t}'", "t := 1",
    "import os", "os.environ", "$(id)", "`id`", "; rm -rf /", "${jndi:ldap://x}", "{{7*7}}", "%s%n", "1e9999",
    "9**9**9", "9^9^9^9", "t.__class__", "@t", "t!", "t@t", "0x7f", "0b1", "1j", "1_0", "nan", "inf", "oo", "zoo",
    "None", "True", "self", "Symbol('x')", "Function('f')(t)", "sympify", "Integral(t)", "factorial(10^9)",
]  # fmt: skip
TEX = [
    "\\input{/etc/passwd}", "\\write18{id}", "\\immediate\\write18{id}", "$$", "\\end{document}", "\\def\\x{\\x}\\x",
    "\\catcode`\\%=0", "\\include{x}", "\\usepackage{shellesc}", "^^5cinput{x}", "#1", "~", "&", "%", "\\\\", "{", "}",
]  # fmt: skip
STRANGE = [
    "\0", "\x1b[2J", "\u202e", "\ufeff", "\u0430", "\u0442\u0430nh", "\uff54", "\u2212", "\u00b2", "\U0001d461", "\u200b", "\ud7ff",
    "\u0660", "\x7f", "\x85", "\u2028", "e\u0301", "\ufb01", "İ", "ß", "𝟗^𝟗",
]  # fmt: skip
PATHS = [
    "../x.npz", "/etc/passwd", "~/.ssh/id_rsa", "x/../../y.npz", "C:\\x.npz", "\\\\host\\share", "file:///etc/passwd",
    "http://127.0.0.1/x.npz", "/dev/zero", "/proc/self/environ", "a\0b.npz", "", ".", "..",
    "x" * 5000 + ".npz", "con.npz", "|id", "made.npz/x", "-", "%2e%2e/x",
]  # fmt: skip
# What they lead to: a file outside, a directory outside, themselves; and a directory that is no file.
LINKS = {"link.npz": "/etc/passwd", "link.safetensors": "/etc/passwd", "link.csv": "/etc/passwd", "away": "/etc",
         "loop.npz": "loop.npz"}  # fmt: skip
LINKED = [*LINKS, "away/passwd", "dir.npz"]
MADE = ["made.npz", "made.npz", "made.safetensors", "made.pt"]
ATOMS = ["t", "1", "2/3", "0.1", "1e-3", "pi", "e", "0", "1e99", "007", "."]
CALLS = ["exp", "tanh", "sigmoid", "softplus", "erf", "Phi", "normal_pdf", "sin", "cos", "tan", "sinh", "cosh", "sqrt",
         "log", "abs", "inverse", "EXP"]  # fmt: skip
SIGNS = [
    "+",
    "-",
    "*",
    "/",
    "^",
    "(",
    ")",
    "**",
    ",",
    " ",
    "^2",
    "^16",
    "^99",
    "//",
    "=",
    "'",
    '"',
    ";",
    ".",
    "_",
]


EXPRESSIONS = ["code or TeX", "soup", "", "sign put in", "sign left out", "formula", "formula", "formula"]
BOMBS = ["nested", "powers", "growth", "long", "minus signs", "calls"]


def expression(rng: random.Random) -> str:
    """A text that may or may not be an expression; some grow fast when multiplied out."""
    kind = rng.randrange(8)
    if kind == 2:
        return _bomb(rng)
    OCCURRED["expression: " + EXPRESSIONS[kind]] += 1
    if kind == 0:
        return rng.choice(CODE + TEX)
    if kind == 1:
        soup = ATOMS + SIGNS + CALLS + (CODE + TEX + STRANGE if rng.random() < 0.3 else [])
        return "".join(rng.choice(soup) for _ in range(rng.randrange(40)))
    text = _formula(rng, rng.randrange(1, 5))
    if kind == 3:
        place = rng.randrange(len(text) + 1)
        return text[:place] + rng.choice(SIGNS + STRANGE + CODE) + text[place:]
    if kind == 4:
        place = rng.randrange(len(text))
        return text[:place] + text[place + 1 :]
    return text


def _formula(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(ATOMS[:8])
    one = _formula(rng, depth - 1)
    match rng.randrange(5):
        case 0:
            return f"{rng.choice(CALLS[:14])}({one})"
        case 1:
            return f"({one})^{rng.choice([0, 1, 2, 3, 5, 16])}"
        case 2:
            return f"({one})/({_formula(rng, depth - 1)})"
        case _:
            return f"({one}){rng.choice('+-*')}({_formula(rng, depth - 1)})"


def _bomb(rng: random.Random) -> str:
    size = rng.choice([10, 100, 1_000, 4_000])
    text = rng.choice(["t", "9", "(t+1)", "(t+exp(t)+sin(t)+1)", "tan(t)", "1e99"])
    kind = rng.randrange(6)
    OCCURRED["expression: " + BOMBS[kind]] += 1
    match kind:
        case 0:
            return "(" * size + text + ")" * size
        case 1:
            return f"({text})^16" + "^16" * rng.randrange(3)
        case 2:
            for _ in range(rng.randrange(2, 7)):
                text = f"({text}+{rng.choice(CALLS[:14])}({text}))^{rng.choice([2, 8, 16])}"[:3000]
            return text
        case 3:
            return rng.choice("+*-/").join([text] * size)
        case 4:
            return "-" * size + text
        case _:
            return f"{rng.choice(CALLS[:14])}(" * rng.randrange(1, 30) + text + ")" * rng.randrange(1, 30)


def name(rng: random.Random) -> str:
    """A name that is too long, made of other signs, code, TeX, look-alikes, or just a word."""
    word = rng.choice(
        ["own", "relu", "tanh", "exp", "W1", "p", "loss", "t", "softmax", "A" * 33, "a" * 5000, ""]
    )
    parts = [word, rng.choice(STRANGE), rng.choice(TEX), rng.choice(CODE), rng.choice(PATHS)]
    return rng.choice([word, *parts, word + rng.choice(parts), rng.choice(parts) + word])


def _number(rng: random.Random) -> Any:
    return rng.choice([
        0, 1, -1, "1/2", 0.5, "1e400", "1e-400", 10**120, 2**63, "1/0", True, None, "nan", ".inf", "0x10", "1_0", [], {}, [1],
        "-0", "1e", expression(rng), name(rng),
    ])  # fmt: skip


def _pieces(rng: random.Random) -> Any:
    """An activation by pieces: of formulas in order now and then, otherwise of anything."""
    tame = rng.random() < 0.4
    count = rng.choice([1, 1, 2, 2, 3, 5, 70][: 5 if tame else 7])
    ends = sorted(rng.sample(range(-40, 40), min(count - 1, 60)))
    pieces: list[Any] = []
    for index in range(count):
        text = _formula(rng, rng.randrange(1, 5)) if tame else expression(rng)
        piece: dict[str, Any] = {"is": text if rng.random() < 0.7 else rng.choice(["t", 0, "t/10"])}
        if index < len(ends):
            piece["to"] = ends[index]
        if not tame and rng.random() < 0.15:
            piece[rng.choice(["from", "to", "is", "at", "__class__"])] = _number(rng)
        pieces.append(piece)
    given: dict[str, Any] = {
        "name": name(rng) if not tame and rng.random() < 0.3 else "own",
        "pieces": pieces,
    }
    if rng.random() < 0.3:
        given["period"] = rng.choice([1, 2, "1/3", 0, -1, _number(rng)])
        pieces[0]["from"] = rng.choice([0, ends[0] - 1 if ends else 0])
        pieces[-1]["to"] = (pieces[0]["from"] or 0) + 1
    for key in ("drift", "unit", "values", "slope"):
        if rng.random() < 0.1:
            given[key] = rng.choice([_number(rng), {0: _number(rng)}, "pi"])
    return given


def _good() -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "good",
        "input": {"dim": 2, "norm": 1},
        "network": [{"dense": {"width": 2}}, {"activation": "tanh"}, {"dense": {"width": 2}}],
        "loss": "cross_entropy",
        "box": {"weight_norms": [1, 1], "bias_norms": [1, 1]},
    }


def _damaged(rng: random.Random, tree: Any) -> Any:
    """The tree with one place replaced, removed, renamed, repeated or nested."""
    if isinstance(tree, dict) and tree and rng.random() < 0.8:
        key = rng.choice(list(tree))
        found = dict(tree)
        match rng.randrange(6):
            case 0:
                del found[key]
            case 1:
                found[name(rng)] = found.pop(key)
            case 2:
                found[key] = _number(rng)
            case 3:
                found[rng.choice(["weights", "data", "ball", "targets", "measure", "seed"])] = _section(rng)
            case _:
                found[key] = _damaged(rng, found[key])
        return found
    if isinstance(tree, list) and tree and rng.random() < 0.8:
        found_list = list(tree)
        place = rng.randrange(len(tree))
        match rng.randrange(4):
            case 0:
                return found_list * rng.choice([2, 50, 1500])
            case 1:
                found_list[place] = _number(rng)
            case _:
                found_list[place] = _damaged(rng, tree[place])
        return found_list
    return _number(rng)


def _section(rng: random.Random) -> Any:
    path = rng.choice([*PATHS, *LINKED, *MADE])
    return rng.choice([
        {"file": path}, {"values": _number(rng)}, {"npz": {"path": path}}, {"radius": _number(rng)},
        {"csv": {"path": path, "features": [name(rng)], "target": _number(rng)}}, {"source": name(rng)},
        {"inline": {"x": [[1, 0], [_number(rng), 0]], "y": [0, 1]}}, _number(rng), {"norm": _number(rng)},
    ])  # fmt: skip


DISGUISES = ["no quotes", "YAML tag or anchor", "duplicate keys", "alias bomb", "deep nesting", "block style"]
DECORATIONS = [
    "&a ", "*a ", "!!python/object/apply:os.system [id] ", "!x ", "<<: ", "? ", "- ", "\t", "---\n", "|\n", ">",
]  # fmt: skip


def _text(rng: random.Random, tree: Any, disguise: int) -> bytes:
    """The tree as YAML in flow style; with a disguise, from 0 to 5, or damaged bytes now and then."""
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.7)
    if disguise < len(DISGUISES):
        OCCURRED[DISGUISES[disguise]] += 1
    match disguise:
        case 0:
            text = text.replace('"', "", rng.randrange(1, 30))
        case 1:
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice(DECORATIONS) + text[place:]
        case 2:
            text = '{"name": 1, "name": 2, ' + text.removeprefix("{")
        case 3:
            bomb = "".join(f"b{i}: &b{i} [*a,*a,*a]\n" for i in range(rng.randrange(1, 30)))
            text = "a: &a [x,x]\n" + bomb + text
        case 4:
            text = rng.choice("[{") * rng.choice([5, 500, 50_000]) + text
        case 5:
            text = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in tree.items())
        case _:
            pass
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.08 and content:
        OCCURRED["broken bytes"] += 1
        damaged = bytearray(content)
        for _ in range(rng.randrange(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        content = bytes(damaged)
    if rng.random() < 0.05 and content:
        OCCURRED["cut off"] += 1
        return content[: rng.randrange(len(content))]
    return content


def _archive(rng: random.Random) -> bytes:
    """An array file: random bytes, a pickle, a header that lies, a bomb, or members with strange names."""
    header = rng.choice([
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999), }", b"__import__('os').system('id')", b"(" * 900,
        b"{'descr': '<f8', 'shape': (-1,), 'fortran_order': 0}", b"[" * 300 + b"]" * 300, rng.randbytes(60),
    ]).ljust(117) + b"\n"  # fmt: skip
    magic = b"\x93NUMPY" + bytes([rng.choice([1, 2, 3, 9]), 0]) + len(header).to_bytes(2, "little")
    body = rng.choice([bytes(32), b"", rng.randbytes(40), b"\x80\x04cos\nsystem\n", bytes(3_000_000)])
    if rng.random() < 0.3:
        OCCURRED["archive: no archive"] += 1
        return rng.choice([rng.randbytes(200), magic + header, b"PK\x03\x04" + rng.randbytes(50), b""])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for label in rng.choice(
            [["W1.npy"], ["x.npy", "y.npy"], ["../../x.npy"], ["/etc/x.npy"], ["a\n.npy"], ["x.txt"]]
        ):
            made.writestr(label, magic + header + body)
    content = stream.getvalue()
    if rng.random() < 0.2:
        OCCURRED["archive: cut off"] += 1
        return content[: rng.randrange(len(content))]
    OCCURRED["archive: strange members"] += 1
    return content


def _files(rng: random.Random, folder: Path) -> None:
    (folder / "made.npz").write_bytes(_archive(rng))
    size = rng.choice([2**63, 8, 60, 10**6]).to_bytes(8, "little")
    (folder / "made.safetensors").write_bytes(
        size + rng.choice([b'{"W1":1}', b"[" * 60, b"{}", rng.randbytes(60)])
    )
    (folder / "made.pt").write_bytes(b"\x80\x04cos\nsystem\n(S'id'\ntR.")


def _links(folder: Path) -> None:
    """The links that cases name, and a directory with the name of a file; made once."""
    if not (folder / "dir.npz").is_dir():
        (folder / "dir.npz").mkdir()
        for link, target in LINKS.items():
            (folder / link).symlink_to(target)


def _reading(rng: random.Random, tree: Any, path: str) -> Any:
    """The tree with that file as its weights or its data."""
    columns = {"path": path, "features": [0, 1], "target": 2}
    section = rng.choice([
        {"weights": {"file": path}}, {"weights": {"file": path}}, {"data": {"npz": {"path": path}}},
        {"data": {"csv": columns}},
    ])  # fmt: skip
    return tree | section


def _case(rng: random.Random, number: int, folder: Path) -> tuple[str, Any]:
    """The kind of a case and its tree."""
    tree = _good()
    match number % 10:
        case 0 | 1 | 2:
            layers = tree["network"]
            return "pieces", tree | {"network": [layers[0], {"activation": _pieces(rng)}, layers[2]]}
        case 3:
            return "damaged once", _damaged(rng, tree)
        case 4 | 5:
            return "damaged twice", _damaged(rng, _damaged(rng, tree))
        case 6:
            return "strange name", tree | {"name": name(rng)}
        case 7:
            return "section of anything", tree | {rng.choice(["weights", "data"]): _section(rng)}
        case 8:
            return "link", _reading(rng, tree, rng.choice(LINKED))
        case _:
            if number // 10 % 3 == 0:
                return "path outside", _reading(rng, tree, rng.choice(PATHS))
            _files(rng, folder)
            return "made file", _reading(rng, tree, rng.choice(MADE))


def write_case(number: int, folder: Path) -> Path:
    """The problem file of that number, with the files that it may name."""
    rng = random.Random(f"hostile {number}")
    _links(folder)
    kind, tree = _case(rng, number, folder)
    OCCURRED[kind] += 1
    path = folder / "case.yaml"
    if kind in ("link", "path outside", "made file"):
        # Left as it is, so that the file is looked at.
        content = json.dumps(tree).encode()
    else:
        content = _text(rng, tree, number // 10 % 25 if isinstance(tree, dict) else len(DISGUISES))
    path.write_bytes(content)
    return path
