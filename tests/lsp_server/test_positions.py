"""Offsets and positions in the three encodings, and documents under incremental changes."""

from __future__ import annotations

import pytest
from lsprotocol import types

from lsp_server.positions import Documents, LineIndex

TEXT = "// ä 😀 x\r\nwire a;\fwire b;\u2028\rend\n"
UTF8, UTF16, UTF32 = (
    types.PositionEncodingKind.Utf8,
    types.PositionEncodingKind.Utf16,
    types.PositionEncodingKind.Utf32,
)


@pytest.mark.parametrize("encoding", [UTF8, UTF16, UTF32])
def test_every_offset_comes_back(encoding):
    index = LineIndex(TEXT, encoding)
    inside_line_end = TEXT.index("\r\n") + 1
    for offset in range(len(TEXT) + 1):
        if offset != inside_line_end:
            assert index.offset(index.position(offset)) == offset


@pytest.mark.parametrize(("encoding", "column"), [(UTF8, 11), (UTF16, 8), (UTF32, 7)])
def test_the_column_after_an_emoji(encoding, column):
    index = LineIndex(TEXT, encoding)
    assert index.position(TEXT.index("x")) == types.Position(0, column)


def test_only_the_protocol_s_line_ends_end_lines():
    index = LineIndex(TEXT)
    lines = [index.line(number) for number in range(len(index.starts))]
    assert lines == ["// ä 😀 x", "wire a;\fwire b;\u2028", "end", ""]


@pytest.mark.parametrize(
    ("position", "offset"),
    [((0, 999), 8), ((99, 0), len(TEXT)), ((0, 6), 5)],  # the last lies within the emoji
)
def test_positions_that_do_not_exist_are_the_nearest_before(position, offset):
    assert LineIndex(TEXT, UTF16).offset(types.Position(*position)) == offset


def opened(text: str, encoding: types.PositionEncodingKind = UTF16):
    workspace = Documents(None, position_encoding=encoding)
    workspace.put_text_document(types.TextDocumentItem("file:///a.v", "verilog", 1, text))
    return workspace.get_text_document("file:///a.v")


def change(start: tuple[int, int], end: tuple[int, int], text: str):
    area = types.Range(types.Position(*start), types.Position(*end))
    return types.TextDocumentContentChangePartial(range=area, text=text)


def test_a_change_after_a_form_feed_lands_on_its_line():
    document = opened("wire a;\f\nwire b;\n")
    document.apply_change(change((1, 5), (1, 6), "c"))
    assert document.source == "wire a;\f\nwire c;\n"
    assert document.index.position(len(document.source)) == types.Position(2, 0)


def test_a_change_after_an_emoji_in_utf_8():
    document = opened("// 😀 x\n", UTF8)
    document.apply_change(change((0, 8), (0, 9), "y"))
    assert document.source == "// 😀 y\n"


def test_a_whole_new_text():
    document = opened("old")
    assert document.index.text == "old"
    document.apply_change(types.TextDocumentContentChangeWholeDocument(text="new\n"))
    assert document.index.text == "new\n"


def test_a_document_that_is_not_open_is_empty(tmp_path):
    file = tmp_path / "latin1.v"
    file.write_bytes(b"// \xe4\n")
    assert Documents(None).get_text_document(file.as_uri()).source == ""
