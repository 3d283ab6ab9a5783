"""Hostile and wrong problem files: each is refused in one sentence with its place, quickly."""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradlemma.errors import ProblemError
from gradlemma.problem import load_problem

GOOD = """\
schema: 1
name: good
input: {dim: 2, norm: 1}
network:
  - dense: {width: 2}
  - activation: tanh
  - dense: {width: 2}
loss: cross_entropy
box: {weight_norms: [1, 1], bias_norms: [1, 1]}
"""


def edit(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def data(text: str) -> str:
    return GOOD + f"data: {text}\n"


BOX = "box: {weight_norms: [1, 1], bias_norms: [1, 1]}"
WITH_DATA = "inline: {x: [[1, 0], [0, 1]], y: [0, 1]}"

# name -> (text, line or None, key or None, words of the message)
TEXTS: dict[str, tuple[str | bytes, int | None, str | None, str]] = {
    "empty": ("", 1, None, "empty file"),
    "only_comments": ("# nothing\n", 1, None, "empty file"),
    "binary": (b"\x00\x01\x02\xff\xfe" * 50, None, None, "expected"),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(64), None, None, "expected"),
    "latin1": (b"schema: 1\nname: caf\xe9\n", 2, None, "UTF-8"),
    "nul_byte": ("schema: 1\nname: a\0b\n", 2, None, "YAML"),
    "escape_sequence": ("schema: 1\nname: \x1b[31mred\n", 2, None, "YAML"),
    "oversized": (GOOD + "#" * (1 << 20), None, None, "bytes"),
    "many_lines": (GOOD + "\n" * 60_000, None, None, "lines"),
    "many_nodes_without_commas": ("x: [" + "[]," * 19_000 + "{}]: " * 2_000, None, None, "expected"),
    "many_keys": ("".join(f"k{i}: {{a: 1, b: 2}}\n" for i in range(9_900)), None, None, "values"),
    "many_nodes": ("x: [" + "1," * 60_000 + "1]", None, None, "values"),
    "long_scalar": ("name: " + "a" * 10_000, None, None, "characters"),
    "list_at_top": ("- 1\n- 2\n", 1, None, "mapping"),
    "text_at_top": ("hello\n", 1, None, "mapping"),
    "two_documents": (GOOD + "---\n" + GOOD, None, None, "second"),
    "unclosed": ("schema: 1\nnetwork: [\n", None, None, "YAML"),
    "tab_indent": ("schema: 1\ninput:\n\tdim: 2\n", None, None, "YAML"),
    "bad_colon": ("schema: 1\nname: a: b\n", 2, None, "YAML"),
    "version_directive": ("%YAML 1.1\n---\n" + GOOD, None, None, "directive"),
    "tag_directive": ("%TAG ! tag:x,2000:\n---\n" + GOOD, None, None, "directive"),
    "python_object": (edit("name: good", "name: !!python/object/apply:os.system [id]"), 2, None, "tag"),
    "local_tag": (edit("name: good", "name: !x good"), 2, None, "tag"),
    "str_tag": (edit("name: good", "name: !!str good"), 2, None, "tag"),
    "anchor": (edit("name: good", "name: &a good"), 2, None, "anchor"),
    "alias": (edit("name: good", "name: *a"), 2, None, "alias"),
    "merge_key": (edit("input: {dim: 2, norm: 1}", "input: {<<: {dim: 2}, norm: 1}"), 3, "input.<<", "keys"),
    "alias_bomb": (
        "a: &a [x, x, x]\n"
        + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
        1,
        None,
        "anchor",
    ),
    "deep_flow": ("schema: " + "[" * 5_000, None, None, "nesting"),
    "deep_flow_maps": ("schema: " + "{a: " * 5_000, None, None, "nesting"),
    "deep_block": ("\n".join(" " * i + "a:" for i in range(900)), None, None, "nesting"),
    "deep_dashes": ("a: \n " + "- " * 5_000, None, None, "nesting"),
    "question_marks": ("? " * 5_000, None, None, "nesting"),
    "duplicate_top": (GOOD + "loss: mse\n", 10, "loss", "twice"),
    "duplicate_nested": (edit("{dim: 2, norm: 1}", "{dim: 2, dim: 3, norm: 1}"), 3, "input.dim", "twice"),
    "number_as_key": (GOOD + "1: 2\n", 10, None, "key"),
    "list_as_key": (GOOD + "? [1]\n: 2\n", None, None, "key"),
    "schema_2": (edit("schema: 1", "schema: 2"), 1, "schema", "schema: 1"),
    "schema_true": (edit("schema: 1", "schema: true"), 1, "schema", "true"),
    "schema_text": (edit("schema: 1", 'schema: "1"'), 1, "schema", "schema: 1"),
    "missing_network": ("schema: 1\nloss: mse\n", 1, "network", "missing"),
    "missing_loss": (edit("loss: cross_entropy\n", ""), 1, "loss", "missing"),
    "unknown_key": (edit("loss:", "los:"), 8, "los", "keys"),
    "unknown_nested": (
        edit("dense: {width: 2}\n  - act", "dense: {widht: 2}\n  - act"),
        5,
        "network[0].dense.widht",
        "keys",
    ),
    "null_value": (edit("loss: cross_entropy", "loss:"), 8, "loss", "nothing"),
    "null_layer": (edit("  - activation: tanh", "  -"), None, None, "nothing"),
    "name_with_path": (edit("name: good", "name: ../x"), 2, "name", "name"),
    "name_number": (edit("name: good", "name: 7"), 2, "name", "text"),
    "name_too_long": (edit("name: good", "name: " + "a" * 65), 2, "name", "name"),
    "name_markup": (edit("name: good", 'name: "[red]x[/red]"'), 2, "name", "name"),
    "name_newline": (edit("name: good", 'name: "a\\n"'), 2, "name", "name"),
    "dim_true": (edit("dim: 2", "dim: true"), 3, "input.dim", "whole number"),
    "dim_text": (edit("dim: 2", 'dim: "2"'), 3, "input.dim", "whole number"),
    "dim_fraction": (edit("dim: 2", "dim: 5/2"), 3, "input.dim", "whole number"),
    "dim_decimal": (edit("dim: 2", "dim: 2.0"), 3, "input.dim", "whole number"),
    "dim_zero": (edit("dim: 2", "dim: 0"), 3, "input.dim", "from 1"),
    "dim_negative": (edit("dim: 2", "dim: -2"), 3, "input.dim", "from 1"),
    "dim_huge": (edit("dim: 2", "dim: 99999999999999999999"), 3, "input.dim", "from 1"),
    "dim_missing": (edit("dim: 2, ", ""), 3, "input.dim", "missing"),
    "width_true": (
        edit("- dense: {width: 2}\n  - act", "- dense: {width: yes}\n  - act"),
        5,
        "network[0].dense.width",
        "whole",
    ),
    "bias_number": (
        edit("{width: 2}\n  - act", "{width: 2, bias: 1}\n  - act"),
        5,
        "network[0].dense.bias",
        "true or false",
    ),
    "bias_text": (
        edit("{width: 2}\n  - act", "{width: 2, bias: no}\n  - act"),
        5,
        "network[0].dense.bias",
        "true or false",
    ),
    "norm_nan": (edit("norm: 1}", "norm: .nan}"), 3, "input.norm", ".nan"),
    "norm_inf": (edit("norm: 1}", "norm: .inf}"), 3, "input.norm", ".inf"),
    "norm_negative": (edit("norm: 1}", "norm: -1/2}"), 3, "input.norm", ">= 0"),
    "norm_zero_denominator": (edit("norm: 1}", "norm: 1/0}"), 3, "input.norm", "denominator"),
    "norm_power_tower": (edit("norm: 1}", "norm: 9**9**9}"), 3, "input.norm", "9**9**9"),
    "norm_import": (edit("norm: 1}", "norm: __import__('os').system('id')}"), 3, "input.norm", "expected"),
    "norm_lambda": (edit("norm: 1}", 'norm: "lambda: 0"}'), 3, "input.norm", "expected"),
    "norm_sqrt": (edit("norm: 1}", "norm: sqrt(2)}"), 3, "input.norm", "sqrt(2)"),
    "norm_hex": (edit("norm: 1}", "norm: 0x10}"), 3, "input.norm", "0x10"),
    "norm_underscore": (edit("norm: 1}", "norm: 1_000}"), 3, "input.norm", "1_000"),
    "norm_octal": (edit("norm: 1}", "norm: 017}"), 3, "input.norm", "leading zeros"),
    "norm_unicode_digits": (edit("norm: 1}", "norm: \u0661\u0662}"), 3, "input.norm", "number"),
    "norm_huge_exponent": (edit("norm: 1}", "norm: 1e999999999}"), 3, "input.norm", "exponent"),
    "norm_many_digits": (edit("norm: 1}", "norm: " + "9" * 3_000 + "}"), 3, "input.norm", "digits"),
    "norm_nested": (edit("norm: 1}", "norm: [1]}"), 3, "input.norm", "number"),
    "norm_from_data_without_data": (edit("norm: 1}", "norm: from-data}"), 3, "input.norm", "no data"),
    "input_missing": (edit("input: {dim: 2, norm: 1}\n", ""), None, "input.dim", "no data"),
    "empty_network": (re.sub(r"network:\n(  .*\n)+", "network: []\n", GOOD), 4, "network", "layer"),
    "network_mapping": (re.sub(r"network:\n(  .*\n)+", "network: {dense: 2}\n", GOOD), 4, "network", "list"),
    "no_dense_layer": (re.sub(r"(  - dense.*\n)", "", GOOD), 4, "network", "dense"),
    "layer_two_kinds": (
        edit("- activation: tanh", "- {activation: tanh, dense: {width: 1}}"),
        6,
        "network[1]",
        "exactly one",
    ),
    "layer_text": (edit("- activation: tanh", "- tanh"), 6, "network[1]", "mapping"),
    "ten_thousand_layers": (
        edit("  - activation: tanh\n", "  - activation: tanh\n" * 10_000),
        None,
        None,
        "lines",
    ),
    "five_thousand_layers": (
        re.sub(r"network:\n(  .*\n)+", f"network: [{'activation: tanh, ' * 5_000}]\n", GOOD),
        4,
        "network",
        "at most 2000",
    ),
    "unknown_activation": (edit("tanh", "tanhh"), 6, "network[1].activation", "tanhh"),
    "activation_code": (edit("tanh", '"exec(1)"'), 6, "network[1].activation", "exec"),
    "activation_number": (edit("tanh", "3"), 6, "network[1].activation", "activation"),
    "activation_slope_text": (
        edit("tanh", "{name: leaky_relu, slope: big}"),
        6,
        "network[1].activation.slope",
        "number",
    ),
    "activation_unknown_parameter": (
        edit("tanh", "{name: tanh, slope: 1}"),
        6,
        "network[1].activation",
        "slope",
    ),
    "activation_parameter_self": (
        edit("tanh", "{name: tanh, parameters: 1}"),
        6,
        "network[1].activation",
        "parameters",
    ),
    "softplus_negative_beta": (
        edit("tanh", "{name: softplus, beta: -1}"),
        6,
        "network[1].activation",
        "beta",
    ),
    "unknown_loss": (edit("cross_entropy", "crossentropy"), 8, "loss", "among"),
    "loss_list": (edit("cross_entropy", "[mse]"), 8, "loss", "among"),
    "mse_without_targets": (edit("cross_entropy", "mse"), 8, "loss", "targets"),
    "targets_with_cross_entropy": (GOOD + "targets: {norm: 1}\n", 10, "targets", "cross_entropy"),
    "targets_negative": (edit("cross_entropy", "mse") + "targets: {norm: -1}\n", 10, "targets.norm", ">= 0"),
    "box_negative": (edit("weight_norms: [1, 1]", "weight_norms: [1, -1]"), 9, "box.weight_norms[1]", ">= 0"),
    "box_short": (edit("weight_norms: [1, 1]", "weight_norms: [1]"), 9, "box.weight_norms", "2 dense layers"),
    "box_text": (
        edit("weight_norms: [1, 1]", "weight_norms: from-weight"),
        9,
        "box.weight_norms",
        "from-weights",
    ),
    "box_bool": (edit("weight_norms: [1, 1]", "weight_norms: [1, true]"), 9, "box.weight_norms[1]", "true"),
    "box_without_bias_norms": (edit(", bias_norms: [1, 1]", ""), 9, "box", "bias_norms"),
    "box_bias_norm_without_bias": (
        edit("{width: 2}\n  - act", "{width: 2, bias: false}\n  - act"),
        9,
        "box.bias_norms[0]",
        "no bias",
    ),
    "box_from_absent_weights": (edit(BOX, "box: {weight_norms: from-weights}"), 9, "box", "weights"),
    "box_factor_explicit": (edit("1]}\n", "1], factor: 2}\n"), 9, "box.factor", "explicit"),
    "no_box_no_weights": (edit(BOX + "\n", ""), None, None, "box"),
    "ball_without_weights": (GOOD + "ball: {radius: 1}\n", 10, "ball", "weights"),
    "ball_negative": (GOOD + "ball: {radius: -1}\n", 10, "ball.radius", ">= 0"),
    "seed_negative": (GOOD + "seed: -1\n", 10, "seed", "from 0"),
    "seed_decimal": (GOOD + "seed: 1.5\n", 10, "seed", "whole"),
    "measure_huge": (GOOD + "measure: {random_points: 1000000000}\n", 10, "measure.random_points", "from 0"),
    "data_none": (data("{scale: 1}"), 10, "data", "exactly one"),
    "data_two": (data(f'{{source: "sklearn:digits", {WITH_DATA}}}'), 10, "data", "exactly one"),
    "data_unknown_source": (data('{source: "sklearn:iris"}'), 10, "data.source", "sklearn:digits"),
    "data_url": (data('{source: "http://127.0.0.1/x"}'), 10, "data.source", "sklearn:digits"),
    "data_ragged": (data("{inline: {x: [[1, 0], [1]], y: [0, 1]}}"), 10, "data.inline.x[1]", "rows of 2"),
    "data_empty": (data("{inline: {x: [], y: []}}"), 10, "data.inline.x", "list"),
    "data_flat": (data("{inline: {x: [1, 2], y: [0, 1]}}"), 10, "data.inline.x", "row"),
    "data_text": (data("{inline: {x: [[1, nan]], y: [0]}}"), 10, "data.inline.x[0][1]", "nan"),
    "data_three_levels": (data("{inline: {x: [[[1]]], y: [0]}}"), 10, "data.inline.x[0][0]", "number"),
    "data_counts": (data("{inline: {x: [[1, 0]], y: [0, 1]}}"), 10, "data.inline.y", "as many"),
    "data_width": (data("{inline: {x: [[1]], y: [0]}}"), 3, "input.dim", "features"),
    "data_overflow": (data("{inline: {x: [[1e399, 0]], y: [0]}}"), 10, "data.inline.x", "1e308"),
    "label_out_of_range": (data("{inline: {x: [[1, 0]], y: [2]}}"), 10, "data.inline.y", "labels"),
    "label_negative": (data("{inline: {x: [[1, 0]], y: [-1]}}"), 10, "data.inline.y", "labels"),
    "label_fraction": (data("{inline: {x: [[1, 0]], y: [1/2]}}"), 10, "data.inline.y", "labels"),
    "not_probabilities": (data("{inline: {x: [[1, 0]], y: [[1, 1]]}}"), 10, "data.inline.y", "probabilities"),
    "negative_probability": (
        data("{inline: {x: [[1, 0]], y: [[2, -1]]}}"),
        10,
        "data.inline.y",
        "probabilities",
    ),
    "target_width": (data("{inline: {x: [[1, 0]], y: [[1]]}}"), 10, "data", "width 2"),
    "norm_below_data": (data("{inline: {x: [[1, 1]], y: [0]}}"), 3, "input.norm", "sample 0"),
    "scale_zero_division": (data(f"{{{WITH_DATA}, scale: 1/0}}"), 10, None, "denominator"),
    "limit_zero": (data(f"{{{WITH_DATA}, limit: 0}}"), 10, "data.limit", "from 1"),
    "csv_missing": (
        data("{csv: {path: none.csv, features: [a, b], target: c}}"),
        10,
        "data.csv.path",
        "not exist",
    ),
    "csv_parent": (data("{csv: {path: ../x.csv, features: [a], target: c}}"), 10, "data.csv.path", "below"),
    "csv_no_features": (
        data("{csv: {path: a.csv, features: [], target: c}}"),
        10,
        "data.csv.features",
        "columns",
    ),
    "npz_absolute": (data("{npz: {path: /etc/passwd}}"), 10, "data.npz.path", "below"),
    "npz_home": (data("{npz: {path: ~/x.npz}}"), 10, "data.npz.path", "below"),
    "npz_windows": (data("{npz: {path: 'C:\\x.npz'}}"), 10, "data.npz.path", "below"),
    "npz_empty_path": (data("{npz: {path: ''}}"), 10, "data.npz.path", "below"),
    "npz_directory": (data("{npz: {path: .}}"), 10, "data.npz.path", "regular"),
    "weights_two": (GOOD + "weights: {file: a.npz, values: [[0]]}\n", 10, "weights", "exactly one"),
    "weights_pickle": (GOOD + "weights: {file: model.pt}\n", 10, "weights.file", "not exist"),
    "weights_count": (GOOD + "weights: {values: [[[1, 0], [0, 1]]]}\n", 10, "weights.values", "4 tensors"),
    "weights_shape": (
        GOOD + "weights: {values: [[[1, 0]], [0, 0], [[1, 0], [0, 1]], [0, 0]]}\n",
        10,
        "weights.values[0]",
        "dense layer 1",
    ),
    "weights_bool": (GOOD + "weights: {values: [[[1, true]], [0]]}\n", 10, "weights.values[0][0][1]", "true"),
    "weights_scalar": (GOOD + "weights: {values: [1]}\n", 10, "weights.values[0]", "tensor"),
}


def refused(path: Path) -> ProblemError:
    started = time.process_time()
    with pytest.raises(ProblemError) as caught:
        load_problem(path)
    assert time.process_time() - started < 2
    error = caught.value
    assert error.file == str(path)
    assert str(error).startswith(str(path))
    assert "\n" not in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 2000
    assert error.remedy
    return error


@pytest.mark.parametrize("name", TEXTS)
def test_a_bad_problem_file_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    text, line, key, words = TEXTS[name]
    path = tmp_path / "bad.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = refused(path)
    assert words in error.message
    if line is not None:
        assert error.line == line, str(error)
    if key is not None:
        assert error.key == key, str(error)


def test_the_corpus_starts_from_a_file_that_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    assert load_problem(path).name == "good"
    path.write_text(data(f"{{{WITH_DATA}}}"))
    assert load_problem(path).samples is not None
    assert len(TEXTS) >= 60


def test_near_misses_are_suggested(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(edit("network:", "netwrok:"))
    assert "did you mean `network`?" in refused(path).remedy


WEIGHTS = "weights: {file: FILE}\n"


def weights_problem(directory: Path, name: str) -> Path:
    path = directory / "p.yaml"
    path.write_text(GOOD + WEIGHTS.replace("FILE", name))
    return path


def tensors(**changes: np.ndarray) -> dict[str, np.ndarray]:
    good = {"W1": np.eye(2), "b1": np.zeros(2), "W2": np.eye(2), "b2": np.zeros(2)}
    return good | changes


def test_well_formed_weight_files_are_accepted(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **tensors())
    for name in ("w.safetensors", "w.npz"):
        assert load_problem(weights_problem(tmp_path, name)).weights is not None


BAD_TENSORS = {
    "nan": (tensors(W2=np.array([[1, np.nan], [0, 1]])), "W2 of dense layer 2[0, 1]"),
    "infinity": (tensors(b1=np.array([np.inf, 0])), "b1 of dense layer 1[0]"),
    "transposed": (tensors(W1=np.zeros((3, 2))), "W1 of dense layer 1 with shape [2, 2]"),
    "extra": (tensors(W3=np.eye(2)), "'W3'"),
    "renamed": ({"w1": np.eye(2)}, "expected a tensor W1"),
    "scalar": (tensors(b2=np.array(1.0)), "b2 of dense layer 2"),
    "integers": (tensors(W1=np.eye(2, dtype=np.int64) * 2**62), "expected"),
    "control_name": (tensors(**{"\x1b[2J": np.eye(2)}), "x1b"),
}


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("name", BAD_TENSORS)
def test_bad_weights_are_refused_with_the_tensor_named(name: str, ending: str, tmp_path: Path) -> None:
    arrays, words = BAD_TENSORS[name]
    path = tmp_path / f"w.{ending}"
    save_file(arrays, path) if ending == "safetensors" else np.savez(path, **arrays)
    error = refused(weights_problem(tmp_path, path.name))
    assert words in error.message
    assert error.line == 10


def npy(shape: tuple[int, ...], body: bytes, descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for label, content in members.items():
            made.writestr(label, content)
    return stream.getvalue()


def pickled() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, W1=np.array([object()], dtype=object))
    return stream.getvalue()


EVIL_HEADER = (
    b"\x93NUMPY\x01\x00" + (70).to_bytes(2, "little") + b"__import__('os').system('id')".ljust(69) + b"\n"
)

ARCHIVES: dict[str, tuple[str, bytes]] = {
    "npz_empty": ("w.npz", b""),
    "npz_text": ("w.npz", b"hello"),
    "npz_truncated": ("w.npz", archive(**{"W1.npy": npy((2, 2), bytes(32))})[:-40]),
    "npz_pickle": ("w.npz", pickled()),
    "npz_huge_header": ("w.npz", archive(**{"W1.npy": npy((2**40, 2**10), bytes(8))})),
    "npz_code_header": ("w.npz", archive(**{"W1.npy": EVIL_HEADER})),
    "npz_deep_header": (
        "w.npz",
        archive(**{"W1.npy": b"\x93NUMPY\x01\x00" + (60000).to_bytes(2, "little") + b"(" * 60000}),
    ),
    # numpy reads what is no literal once more, by tokens, as Python 2 would have written it.
    "npz_open_header": (
        "w.npz",
        archive(**{"W1.npy": b"\x93NUMPY\x01\x00" + (2).to_bytes(2, "little") + b"[\n"}),
    ),
    "npz_bomb": ("w.npz", archive(**{"W1.npy": bytes(600_000_000)})),
    "npz_strange_member": ("w.npz", archive(**{"../../x": b"1"})),
    "npz_strings": ("w.npz", archive(**{"W1.npy": npy((2,), bytes(16), "<U2")})),
    "npz_complex": ("w.npz", archive(**{"W1.npy": npy((2,), bytes(32), "<c16")})),
    "safetensors_empty": ("w.safetensors", b""),
    "safetensors_huge_header": ("w.safetensors", (2**63).to_bytes(8, "little") + b"{}"),
    "safetensors_not_json": ("w.safetensors", (4).to_bytes(8, "little") + b"nope"),
    "safetensors_deep_json": ("w.safetensors", (50_000).to_bytes(8, "little") + b"[" * 50_000),
    "safetensors_outside": (
        "w.safetensors",
        (60).to_bytes(8, "little")
        + b'{"W1":{"dtype":"F64","shape":[9],"data_offsets":[0,72]}}'.ljust(60)
        + bytes(8),
    ),
    "pickle_name": ("w.pt", b"\x80\x04."),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_damaged_array_files_are_refused(name: str, tmp_path: Path) -> None:
    file, content = ARCHIVES[name]
    (tmp_path / file).write_bytes(content)
    error = refused(weights_problem(tmp_path, file))
    assert error.line == 10
    assert error.key is not None and error.key.startswith("weights")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b,c\n1,2\n", "line 2"),
        ("a,b,c\n1,2,0\n1,nan,1\n", "line 3"),
        ("a,b,c\n1,inf,0\n", "column b"),
        ("a,b,c\n1,,0\n", "column b"),
        ("a,b,c\n1,0x10,0\n", "0x10"),
        ("a,b,c\n1,1e999,0\n", "1e999"),
        ("a,b,c\n", "at least one row"),
        ("", "empty header"),
        ("a,b,b\n1,2,3\n", "more than one"),
        ("a,b\n1,2\n", "'c'"),
        ('a,b,c\n1,"2,0\n', "csv"),
        ("a,b,c\n1,2,0.5\n", "labels"),
        ("a,b,c\n1,2,\xff\n", "UTF-8"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content.encode("latin-1"))
    path = tmp_path / "p.yaml"
    path.write_text(
        edit("norm: 1}", "norm: from-data}") + "data: {csv: {path: t.csv, features: [a, b], target: c}}\n"
    )
    assert words in refused(path).message


def test_links_to_the_outside_are_refused(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    save_file(tensors(), outside / "w.safetensors")
    (home / "w.safetensors").symlink_to(outside / "w.safetensors")
    assert "link" in refused(weights_problem(home, "w.safetensors")).message
    (home / "sub").symlink_to(outside)
    assert "link" in refused(weights_problem(home, "sub/w.safetensors")).message
    (home / "loop.npz").symlink_to(home / "loop.npz")
    refused(weights_problem(home, "loop.npz"))
    (home / "memory.npz").symlink_to("/dev/zero")
    refused(weights_problem(home, "memory.npz"))


def test_problem_files_that_are_no_files_are_refused(tmp_path: Path) -> None:
    assert "not exist" in refused(tmp_path / "none.yaml").message
    assert "regular" in refused(tmp_path).message
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    assert "regular" in refused(pipe).message


def test_an_oversized_data_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "w.npz").open("wb") as stream:
        stream.truncate(1 << 33)
    assert "bytes" in refused(weights_problem(tmp_path, "w.npz")).message


def test_control_characters_never_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(edit("loss: cross_entropy", 'loss: "\\e[2J\\x07\\u202e"'))
    assert "\\x1b" in refused(path).message
