"""Spreadsheets for tests, written from nothing: the least that makes an XLSX file (ECMA-376), so that what is odd in one is in a test's hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from xml.sax.saxutils import escape, quoteattr

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
STYLES = (
    f'<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'  # 14: a date
)

Table = Sequence[Sequence[object]]


def xlsx(sheets: Table | Mapping[str, tuple[Table, bool]], corner: str = "") -> bytes:
    """One sheet, or several by name, each hidden or not. `corner`: a cell of the first one that has something, however far away."""
    named = sheets if isinstance(sheets, Mapping) else {"Sheet1": (sheets, False)}
    names = list(named)
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>'
        + "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"{" state=" + chr(34) + "hidden" + chr(34) if named[name][1] else ""}/>'
            for n, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)}
            | {"rId0": ("styles", "styles.xml")}
        ),
        "xl/styles.xml": STYLES,
    }
    for n, name in enumerate(names, 1):
        files[f"xl/worksheets/sheet{n}.xml"] = _sheet(named[name][0], corner if n == 1 else "")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return out.getvalue()


def _relations(known: Mapping[str, tuple[str, str]]) -> str:
    each = (
        f'<Relationship Id="{id_}" Type="{OFFICE}/{kind}" Target="{target}"/>' for id_, (kind, target) in known.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(each)}</Relationships>'


def _sheet(table: Table, corner: str) -> str:
    rows = "".join(
        f'<row r="{n}">{"".join(_cell(chr(65 + column) + str(n), value) for column, value in enumerate(row))}</row>'
        for n, row in enumerate(table, 1)
    )
    if corner:
        rows += f'<row r="{corner.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}">{_cell(corner, "x")}</row>'
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


def _cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
