#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that has started allocates nothing, whatever comes. Speaks TAP.

    allocations.py ALLOCATIONS

Its C part walks the frames of all golden cases, what real servers said, and damaged copies of both.
"""
import pathlib
import subprocess
import sys
import tempfile

import golden
from support.mmdb import mmdb
from winners import frames_of_texts
from server_texts import SAID
from support import capture

PLACES = {"8.8.8.0/24": {"country": {"iso_code": "US"}, "autonomous_system_number": 15169}}


def main():
    (program,) = sys.argv[1:]
    contents = [content for case in golden.all_cases()
                for content in golden.files_of(case).values() if content]
    contents.append(capture.pcap(frames_of_texts((False, port, text) for port, text in SAID)))
    with tempfile.TemporaryDirectory(prefix="passer-allocations-") as folder:
        paths = []
        for number, content in enumerate(contents):
            paths.append(pathlib.Path(folder, f"{number}.pcap"))
            paths[-1].write_bytes(content)
        places = pathlib.Path(folder, "places.mmdb")
        places.write_bytes(mmdb(PLACES))
        done = subprocess.run([program, golden.PROBES, golden.SYSTEMS, places, folder, *paths],
                              capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    tap = golden.Tap(1)
    tap.point("allocations: none in a worker that has started",
              done.stderr.splitlines() + [f"exit status {done.returncode}"]
              if done.returncode else [])
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
