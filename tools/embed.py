#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files into one C source as arrays: embed.py OUT.c FILE...

See src/signatures/embedded.h for what is declared.
"""

import os
import sys

BYTES_PER_LINE = 16


def array(number, data):
    rows = [
        "\t" + " ".join(f"0x{byte:02x}," for byte in data[at : at + BYTES_PER_LINE])
        for at in range(0, len(data), BYTES_PER_LINE)
    ]
    # C has no empty array; the length below is what counts.
    return f"static const uint8_t text_{number}[] = {{\n" + "\n".join(rows or ["\t0,"]) + "\n};\n"


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: embed.py OUT.c FILE...")
    out, files = sys.argv[1], sys.argv[2:]
    parts = ['/* Made by tools/embed.py; do not edit. */\n#include "embedded.h"\n']
    entries = []
    for number, path in enumerate(files):
        with open(path, "rb") as file:
            data = file.read()
        parts.append(array(number, data))
        entries.append(f'\t{{"{os.path.basename(path)}", {{text_{number}, {len(data)}}}}},')
    entries.append("\t{NULL, {NULL, 0}},")
    parts.append("const struct embedded embedded_files[] = {\n" + "\n".join(entries) + "\n};\n")
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(parts))


if __name__ == "__main__":
    main()
