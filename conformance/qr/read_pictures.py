"""Draws the SVG pictures given as JSON on standard input (see README.md) in several sizes and reads each back."""

import io
import json
import sys

import resvg_py
import zxingcpp
from PIL import Image

# Pixels across: about two to a module at the least, sizes that are no multiple of the modules, and large ones.
WIDTHS = (128, 200, 241, 333, 512, 1024)


def main() -> None:
    samples = json.load(sys.stdin)
    for sample in samples:
        for width in WIDTHS:
            picture = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=sample["svg"], width=width)))
            assert picture.width == picture.height == width
            # What is not drawn would show through on a dark page.
            assert picture.getextrema()[3] == (255, 255), f"{sample['name']} is transparent somewhere"
            found = zxingcpp.read_barcodes(picture.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
            where = f"{sample['name']} at {width} pixels"
            assert len(found) == 1, f"{where}: {len(found)} codes"
            assert found[0].text == sample["code"], f"{where}: {found[0].text}"
            assert found[0].ec_level == "M", f"{where}: error correction {found[0].ec_level}"
    largest = max(len(sample["svg"]) for sample in samples)
    print(f"all {len(samples)} pictures are read back at {', '.join(map(str, WIDTHS))} pixels; the largest has {largest} bytes")


main()
