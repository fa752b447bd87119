# SPDX-License-Identifier: GPL-3.0-or-later
"""What running processes have used so far: CPU time and memory."""
import pathlib
import re

PROC = pathlib.Path("/proc")
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")


def tree(pid):
    """A process and all of its descendants."""
    found = [pid]
    for path in PROC.glob(f"{pid}/task/*/children"):
        try:
            for child in path.read_text().split():
                found += tree(int(child))
        except OSError:
            pass  # it has ended
    return found


def cpu_seconds(pids):
    """CPU seconds of all threads; a kernel without schedstat is not for benches."""
    total = 0
    for pid in pids:
        for path in PROC.glob(f"{pid}/task/*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except OSError:
                pass
    return total / 1e9


def state(pid):
    """The letter of proc(5), "S" when it waits for something; None: it has ended."""
    try:
        # Behind the name, which may hold anything.
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def are_asleep(pids):
    """All of them wait for something, so that their CPU time stands still."""
    return all(state(pid) == "S" for pid in pids)


def peak_kib(pids):
    """The most memory that one of them has had."""
    return max(int(PEAK.search((PROC / str(pid) / "status").read_text())[1]) for pid in pids)


def softirq_threads():
    """The kernel's threads that handle what was received, when there is much."""
    return [int(path.parent.name) for path in PROC.glob("[0-9]*/comm")
            if path.read_text().startswith("ksoftirqd/")]


def memory_kib(pid):
    """Its own memory and its share of all, without rings: those are the kernel's."""
    totals = {"private": 0, "pss": 0}
    is_ring = False
    for line in (PROC / str(pid) / "smaps").read_text().splitlines():
        mapping = MAPPING.match(line)
        if mapping:
            is_ring = mapping[1].startswith("socket:")
        elif not is_ring:
            key, _, value = line.partition(":")
            if key.startswith("Private_"):
                totals["private"] += int(value.split()[0])
            elif key == "Pss":
                totals["pss"] += int(value.split()[0])
    return totals
