"""Small real PDFs, written by hand."""

from __future__ import annotations

from pathlib import Path

PARAGRAPH = (
    "We study how sparse codes of adjacent tokens change over time in a small language model. "
    "Slowly varying features are found, and their reconstruction is compared with that of a baseline. "
    "Five seeds were run for each of three weights, and differences are given with their intervals."
)


def write_pdf(path: Path, pages: list[str]) -> Path:
    """Write a PDF with one line of Helvetica a page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, text in enumerate(pages):
        stream = f"BT /F1 9 Tf 20 700 Td ({text}) Tj ET"
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 3000 800] {resources} /Contents {5 + 2 * n} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start, size = len(body), len(objects) + 1
    body += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    body += f"startxref\n{start}\n%%EOF\n"
    path.write_bytes(body.encode("latin-1"))
    return path
