"""Writes a spreadsheet as an office would hand it over: 200,000 customers, and some mess. Only what Python brings.

    python3 a_spreadsheet.py customers.xlsx [ROWS]

The numbers are made up, and somebody may have them: for a platform that has the simulator alone.
"""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

HEAD = ("Ref", "First name", "Surname", "Mobile No.", "Town", "User1")
FIRST = ("ANN", "bob", "Chloe", "DAVID", "eve", "Zoë", "Łukasz", "  Mia ", "", "O'Neil")
SURNAMES = ("Smith", "JONES", "Ó Briain", "=1+1", "Khan", "van der Berg")
SCHEMAS = "http://schemas.openxmlformats.org"
MAIN = f"{SCHEMAS}/spreadsheetml/2006/main"
OFFICE = f"{SCHEMAS}/officeDocument/2006/relationships"
PACKAGE = f"{SCHEMAS}/package/2006"
TYPE = "application/vnd.openxmlformats"


def related(what: str, target: str) -> str:
    one = f'<Relationship Id="r1" Type="{OFFICE}/{what}" Target="{target}"/>'
    return f'<Relationships xmlns="{PACKAGE}/relationships">{one}</Relationships>'


def part(name: str, kind: str) -> str:
    return f'<Override PartName="/xl/{name}" ContentType="{TYPE}-officedocument.spreadsheetml.{kind}+xml"/>'


PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="{TYPE}-package.relationships+xml"/>'
    f"{part('workbook.xml', 'sheet.main')}{part('worksheets/sheet1.xml', 'worksheet')}</Types>",
    "_rels/.rels": related("officeDocument", "xl/workbook.xml"),
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Customers" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": related("worksheet", "worksheets/sheet1.xml"),
}


def number(n: int) -> str | int:
    """As people type them, and as a spreadsheet makes them a number and drops the zero."""
    local = f"0{7_400_000_000 + n}"
    match n % 50:
        case 1:
            return int(local)
        case 2:
            return f"+44 (0){local[1:5]} {local[5:]}"
        case 3:
            return f"{local[:5]}-{local[5:8]}-{local[8:]}"
        case 4:
            return f"0044{local[1:]}"
        case 5 if n % 1_000 == 5:
            return local[:-2]  # two digits short
        case 6 if n % 2_000 == 6:
            return "ask her"
        case 7 if n % 500 == 7:
            return f"0{7_400_000_000 + n - 100}"  # a customer who is there twice
    return f"{local[:5]} {local[5:]}"


def rows(count: int) -> Iterator[tuple[str | int, ...]]:
    yield HEAD
    for n in range(count):
        code = "" if n % 4_000 == 9 else f"C{n:06d}"
        first, surname = FIRST[n * 7 // 3 % len(FIRST)], SURNAMES[n // 3 % len(SURNAMES)]
        yield f"K-{n}", first, surname, number(n), ("Leeds", "Bath\nSpa")[n % 2], code


def cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def write(file: Path, count: int) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in PARTS.items():
            book.writestr(name, content)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for row in rows(count):
                sheet.write(f"<row>{''.join(map(cell, row))}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
