#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of passer may still do, and what happens to one that does more. Speaks TAP.

The cases that plant a fault want a build with -Dfaults=true; see src/control/faults.h.
"""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import threading

import net
import traffic
from asking import ask, new_name
from hosts import ALICE, BOB
from live import Skipped, case, check, check_equal, check_lines, main, variants
from sensor import DEADLINE_SECONDS, wait_until
from support import capture
from support.user import AS_NOBODY, NOBODY, USER_ID, USER_NAME, give

BATCH = 200
MANY_FILES = 100
FEW_DESCRIPTORS = 40  # beside those of files
CAP_NET_RAW, CAP_PERFMON, CAP_BPF = 13, 38, 39  # linux/capability.h
CAPABILITY_SETS = ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")

NEEDS_FAULTS = "this build has no faults to plant (-Dfaults=true)"
COLUMNS = "id\tstage\tdport\trecord\tdescription\texample\tsource\n"
ROW = 'mine\talways\t7777\tUC\tmine/client\th"00"\tthis test\n'

# Laid over /run for a sensor that shall own its folder there.
OWN_RUN = ("unshare", "--mount", "sh", "-c",
           f'mount -t tmpfs none /run && install -d -o {USER_ID} /run/passer && exec "$0" "$@"')


def status_of(pid):
    """/proc/PID/status as a dict."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def check_process(pid, user=USER_ID, sets=CAPABILITY_SETS):
    """Its user and no other, no groups, no capability for good, and both nets."""
    found = status_of(pid)
    check_equal(set(found["Uid"].split()), {str(user)}, f"{pid}: user")
    check_equal(len(set(found["Gid"].split())), 1, f"{pid}: groups")
    check_equal(found["Groups"].split(), [], f"{pid}: supplementary groups")
    for kind in sets:
        check_equal(int(found[kind], 16), 0, f"{pid}: {kind}")
    check_equal((found["NoNewPrivs"], found["Seccomp"]), ("1", "2"), f"{pid}: NoNewPrivs, Seccomp")


def check_all(sensor, user=USER_ID):
    """Supervisor and workers, at once: a worker is born without rights."""
    for pid in (sensor.process.pid, *sensor.workers()):
        check_process(pid, user)


def wait_confined(pid):
    """Waits until it has given up what it had; the filter comes last."""
    wait_until(lambda: status_of(pid)["Seccomp"] == "2", "its filter")


def core_limit(pid):
    for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4]
    return None


def fault(word):
    """A packet that does harm."""
    return traffic.datagram(ALICE, BOB, 40000, 40001, f"passer-fault:{word}".encode())


def sent_by(namespace):
    """Packets that left it."""
    links = json.loads(namespace.run("ip", "-json", "-s", "link", "show", "eth0").stdout)
    return links[0]["stats64"]["tx"]["packets"]


def has_faults(lab):
    return b"passer-fault:" in pathlib.Path(lab.passer).read_bytes()


@variants(workers=(1, 2))
def processes(lab, workers):
    """Each process has its user, no capability, and a filter of system calls; so have successors"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", workers)
    for _ in range(2):
        wait_until(lambda: len(sensor.workers()) == workers, "the workers")
        check_all(sensor)
        for pid in sensor.workers():
            check_equal(core_limit(pid), "0", "core dumps")
        os.kill(sensor.workers()[0], signal.SIGKILL)
        wait_until(lambda: sensor.restarts > 0, "the restart")
    sender.send(traffic.facts(range(BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@case
def folders_of_its_own(lab):
    """Where the user has folders of its own nothing is missed, and nothing is told"""
    own = lab.folder / "own"
    own.mkdir()
    lab.folder.chmod(0o755)
    give(own)
    rows, kept, log = own / "rows.tsv", own / "kept.json", own / "log.csv"
    rows.write_text(COLUMNS)
    sender, here = lab.wired()
    sensor = lab.sensor(
        here, "-i", "eth0", "--signatures", rows, "--suspicious-ips", kept, "--trusted-ips",
        own / "trusted.json", "-l", log, before=OWN_RUN)
    sensor.wait_listening()
    check_all(sensor)
    check_equal([text for text in sensor.messages if "user" in text], [], "messages")
    check_equal(log.stat().st_uid, USER_ID, "owner of the log")
    log.rename(f"{log}.1")
    rows.write_text(COLUMNS + ROW)
    sensor.process.send_signal(signal.SIGHUP)
    sensor.wait_message("passer: databases loaded anew")
    check_equal(log.stat().st_uid, USER_ID, "owner of the new log")
    sender.send([traffic.datagram(ALICE, BOB, 40000, 7777, b"x")])
    sensor.wait_line(f"UC,{ALICE.v4},UDP_7777,open,mine/client")
    sender.send([traffic.datagram(ALICE, BOB, 40000, 31337, b"\xce\x63\xd1\xd2\x16\xe7\x13\xcf")])
    sensor.stop()
    check_equal(log.read_text().count("mine/client"), 1, "lines in the new log")


@case
def all_still_works(lab):
    """Reload, new log, new interface, new worker, dumps, statistics and the control socket, confined"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    name, log, rows = new_name(lab), lab.folder / "log.csv", lab.folder / "own.tsv"
    dump, stats = lab.folder / "unknown.pcapng", lab.folder / "stats.csv"
    rows.write_text(COLUMNS)
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2, "--name", name, "-l", log, "-u", dump,
                           "--stats", stats, "--stats-interval", 1, "--signatures", rows)
    here.ip("link del eth0")
    sensor.wait_message("passer: warning: eth0 is gone; .*")
    net.wire(there, here)
    sensor.wait_message("passer: eth0 is back")
    os.kill(sensor.workers()[0], signal.SIGKILL)
    wait_until(lambda: sensor.restarts == 1, "the restart")
    log.rename(f"{log}.1")
    rows.write_text(COLUMNS + ROW)
    check_equal(ask(name, "reopen"), {"reopened": True}, "reopen")
    check_equal(ask(name, "reload"), {"reloaded": True}, "reload")
    sender = lab.keep(net.Sender(there))

    def is_heard():
        sender.send([traffic.datagram(ALICE, BOB, 40000, 7777, b"x")])
        return any("mine/client" in line for line in sensor.lines)

    wait_until(is_heard, "the first frame")
    sender.send([b"\xff" * 6 + b"\x02" + b"\0" * 5 + b"\x12\x34" + b"?" * 50])
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    check("error" not in ask(name, "profile names"), "the profile cannot be changed")
    check("error" not in ask(name, "stats"), "no statistics")
    sensor.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: stats.read_text().count("\n") > 3, "statistics")
    sensor.stop()
    check_equal(set(traffic.fact_lines(range(BATCH))) - set(log.read_text().splitlines()), set(),
                "lines that are missing in the new log")
    check(b"?" * 50 in dump.read_bytes(), "the frame is not in the dump")
    check(not pathlib.Path(f"/run/passer/{name}.sock").exists(), "the socket is still there")
    check_equal([text for text in sensor.messages if "forbidden" in text], [], "forbidden calls")


@case
def suspicious_hosts_kept(lab):
    """The file of suspicious hosts is rewritten at the end, in a home that only root may enter"""
    kept = lab.folder / ".passer" / "suspicious_ips.json"
    os.chown(lab.folder, 0, 0)
    sender, here = lab.wired()
    for _ in range(2):
        sensor = lab.listening(here, "-i", "eth0")
        sender.send(traffic.office())
        sensor.stop()
        check(json.loads(kept.read_text()), "nobody is suspicious")
        kept.write_text("{}")
        for path in kept.parent.iterdir():  # as a passer left them that could write as root
            os.chown(path, 0, 0)


@case
def nothing_given_by_links(lab):
    """A file of root's stays root's, though the user has made a link to it where a file of his own was"""
    _, here = lab.wired()
    target, kept = lab.folder / "roots.json", lab.folder / ".passer" / "suspicious_ips.json"
    target.write_text("{}")
    kept.parent.mkdir()
    kept.symlink_to(target)
    lab.listening(here, "-i", "eth0").stop()
    check_equal(kept.parent.stat().st_uid, USER_ID, "owner of the folder")
    check_equal(target.stat().st_uid, 0, "owner of the file")


@case
def closed_folders(lab):
    """Where the user may not write or read, a line at the start says so; the old log is written"""
    own = lab.folder / "roots"
    own.mkdir()
    lab.folder.chmod(0o755)
    log, rows, kept = own / "log.csv", own / "rows.tsv", own / "kept.json"
    rows.write_text(COLUMNS)
    rows.chmod(0o600)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 1, "-l", log, "--signatures", rows,
                           "--suspicious-ips", kept)
    for text in (
            f"{log}: user {USER_NAME} cannot make files in its folder: it cannot be opened anew; "
            f"keep it in a folder of that user: install -d -o {USER_NAME} FOLDER",
            f"{rows}: user {USER_NAME} cannot read it: databases cannot be loaded anew; "
            f"chown {USER_NAME} {rows}",
            f"{kept}: user {USER_NAME} cannot replace it: suspicious hosts cannot be kept; "
            f"keep it in a folder of that user: install -d -o {USER_NAME} FOLDER"):
        check(f"passer: warning: {text}" in sensor.messages, f"not told: {text}")
    old = log.rename(f"{log}.1")
    sensor.process.send_signal(signal.SIGHUP)
    sensor.wait_message(r"passer: error: .*log\.csv: cannot append to it: Permission denied; "
                        "the old file is still written")
    sensor.wait_message("passer: error: .*; the old databases stay")
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(old.read_text().splitlines()), traffic.fact_lines(range(BATCH)))


@variants(workers=(1, 2))
def files_and_interfaces(lab, workers):
    """A run that has read a file of root's listens without capabilities, too"""
    path = lab.folder / "a.pcap"
    path.write_bytes(capture.pcap(traffic.facts(range(BATCH))))
    path.chmod(0o600)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-r", path, "-i", "eth0", "--workers", workers)
    check_equal(len(sensor.workers()), workers, "workers")
    check_all(sensor)
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(2 * BATCH)))


@case
def files(lab):
    """Capture files are read by a process that has nothing; the one that waits for it has no network"""
    path = lab.folder / "fifo.pcap"
    os.mkfifo(path, 0o600)
    frames = capture.pcap(traffic.facts(range(BATCH)))
    is_seen = threading.Event()

    def feed():
        with open(path, "wb", buffering=0) as pipe:
            pipe.write(frames[:1000])
            is_seen.wait(DEADLINE_SECONDS)
            pipe.write(frames[1000:])

    sensor = lab.sensor(lab.namespace(), "-r", path)
    thread = threading.Thread(target=feed)
    thread.start()
    try:
        wait_until(lambda: sensor.lines, "the first lines")
        readers = sensor.workers()
        check(readers, "no reader")  # the others are to take its place when it dies
        for pid in (*readers, sensor.process.pid):  # the file is root's
            wait_confined(pid)
            check_process(pid)
    finally:
        is_seen.set()
        thread.join()
    sensor.wait_end()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@case
def unprivileged_reader(lab):
    """So they are for a user without rights, and nothing is missing"""
    path = lab.folder / "a.pcap"
    path.write_bytes(capture.pcap(traffic.facts(range(BATCH))))
    lab.folder.chmod(0o755)
    program = shutil.copy(lab.passer, lab.folder)
    done = subprocess.run(
        [*AS_NOBODY, program, "-r", path], env={"HOME": "/nonexistent", "TZ": "UTC"},
        capture_output=True, text=True, check=False)
    check_equal(done.returncode, 0, f"exit status ({done.stderr.strip()})")
    check_lines(traffic.only_facts(done.stdout.splitlines()), traffic.fact_lines(range(BATCH)))


@variants(word=("socket", "execve", "clone3", "kill", "tgkill", "bpf", "vm-write", "mmap", "mprotect",
                "write"))
def forbidden(lab, word):
    """A worker that calls what it must not dies, is named with the call, and is replaced"""
    if not has_faults(lab):
        raise Skipped(NEEDS_FAULTS)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 1)
    sender.send(traffic.facts(range(BATCH)))
    sender.send([fault(word)])
    sensor.wait_message(rf"passer: error: worker 0: forbidden system call \d+, "
                        rf"{ {'vm-write': 'process_vm_writev'}.get(word, word)}; the process ends")
    sensor.wait_message(r"passer: warning: worker 0 was killed by signal 31.*")
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    sensor.stop()
    check_equal(sensor.packets, 2 * BATCH + 1, "packets")
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(2 * BATCH)))
    check_equal(sent_by(here), 0, "packets that it sent")


@case
def no_files(lab):
    """A worker cannot open a file of the system"""
    if not has_faults(lab):
        raise Skipped(NEEDS_FAULTS)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 1)
    sender.send([fault("open")])
    sensor.wait_message(r"passer: (warning: fault: /etc/passwd: Permission denied|"
                        r"error: worker 0: forbidden system call \d+, openat; the process ends)")
    sensor.stop()


@case
def forbidden_in_a_file(lab):
    """The reader of files dies likewise; what it had found is printed, and the run has failed"""
    if not has_faults(lab):
        raise Skipped(NEEDS_FAULTS)
    path = lab.folder / "bad.pcap"
    path.write_bytes(capture.pcap([*traffic.facts(range(BATCH)), fault("socket")]))
    sensor = lab.sensor(lab.namespace(), "-r", path)
    sensor.wait_end(1)
    check(sensor.has_message("passer: error: the reader of files: forbidden system call .*, socket; "
                             "the process ends"), "the call is not named")
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@case
def core_dumps(lab):
    """--core-dumps lets the kernel write them, if the limits do"""
    _, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--core-dumps", before=("prlimit", "--core=unlimited"))
    for pid in (sensor.process.pid, *sensor.workers()):
        wait_until(lambda pid=pid: core_limit(pid) == "unlimited", "core dumps")
    sensor.stop()


@case
def named_users(lab):
    """--user root stays root, without capabilities all the same; a user that is not there is told"""
    _, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--user", "root")
    check_all(sensor, user=0)
    sensor.stop()
    other = lab.sensor(here, "-i", "eth0", "--user", "no-such-user")
    other.wait_end(2)
    check_equal(other.messages, ["passer: error: --user no-such-user: there is no such user"],
                "messages")


@case
def root_without_setuid(lab):
    """Root who cannot become another user stays root, without capabilities, and gives nothing away"""
    _, here = lab.wired()
    log = lab.folder / "log.csv"
    sensor = lab.listening(here, "-i", "eth0", "-l", log, before=("setpriv", "--bounding-set=-setuid"))
    check_all(sensor, user=0)
    check_equal(log.stat().st_uid, 0, "owner of the log")
    sensor.stop()


def open_to_all(lab):
    """The program where any user can reach it."""
    lab.passer = shutil.copy(lab.passer, lab.folder)
    lab.folder.chmod(0o777)


def as_nobody(*capabilities):
    """What starts a program as a user that has only these."""
    caps = ",".join(f"+{word}" for word in capabilities)
    return (*AS_NOBODY, f"--inh-caps={caps}", f"--ambient-caps={caps}")


@case
def without_root(lab):
    """Another user than root listens with the capabilities alone, and is told which one is missing"""
    sender, here = lab.wired()
    open_to_all(lab)
    sensor = lab.sensor(here, "-i", "eth0", before=as_nobody("net_raw", "bpf"))
    sensor.wait_listening()
    for pid in (sensor.process.pid, *sensor.workers()):  # the bounding set takes CAP_SETPCAP
        check_process(pid, NOBODY, CAPABILITY_SETS[:4])
    sender.send(traffic.facts(range(BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))
    for there, missing in (("net_raw", "CAP_BPF"), ("bpf", "CAP_NET_RAW")):
        sensor = lab.sensor(here, "-i", "eth0", before=as_nobody(there))
        sensor.wait_end(1)
        check(sensor.messages[0].endswith(f"; missing: {missing}"), sensor.messages[0])


@case
def no_control_folder(lab):
    """Who cannot make a control socket is told how, by name where there is one"""
    _, here = lab.wired()
    open_to_all(lab)
    before = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o mode=755 none /run && exec "$0" "$@"',
              *as_nobody("net_raw", "bpf"))
    end = "Permission denied; passerctl cannot reach this sensor"
    for words, cure in (((), "; as root: install -d -o nobody /run/passer"), (("--unconfined",), "")):
        sensor = lab.sensor(here, "-i", "eth0", *words, before=before)
        sensor.wait_listening()
        check(any(text.endswith(end + cure) for text in sensor.messages), *sensor.messages)
        sensor.stop()


@case
def permitted_only(lab):
    """Capabilities that are given to the program as permitted, not effective ones, are taken up"""
    sender, here = lab.wired()
    program = shutil.copy(lab.passer, lab.folder)
    lab.folder.chmod(0o777)
    permitted = 1 << CAP_NET_RAW | 1 << CAP_PERFMON | 1 << CAP_BPF
    try:  # struct vfs_cap_data of <linux/capability.h>: VFS_CAP_REVISION_2 without ..._EFFECTIVE
        os.setxattr(program, "security.capability", struct.pack(
            "<5I", 0x02000000, permitted & 0xffffffff, 0, permitted >> 32, 0))
    except OSError as error:
        raise Skipped(f"no capabilities of files here: {error}") from error
    lab.passer = program
    sensor = lab.listening(here, "-i", "eth0", before=AS_NOBODY)
    sender.send(traffic.facts(range(BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@case
def more_files_than_descriptors(lab):
    """Files of root's beyond the soft limit of open files are read; beyond the hard one that is told"""
    paths = [lab.folder / f"{number}.pcap" for number in range(MANY_FILES)]
    for number, path in enumerate(paths):
        path.write_bytes(capture.pcap(traffic.facts([number])))
        path.chmod(0o600)
    words = [word for path in paths for word in ("-r", path)]
    few = MANY_FILES // 2 + FEW_DESCRIPTORS
    sensor = lab.sensor(lab.namespace(), *words, before=("prlimit", f"--nofile={few}:4096"))
    sensor.wait_end()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(MANY_FILES)))
    sensor = lab.sensor(lab.namespace(), *words, before=("prlimit", f"--nofile={few}:{few}"))
    sensor.wait_end(1)
    check(sensor.has_message(rf"passer: error: {paths[-1]}: .*Permission denied; more files than may be "
                             r"open at once .* raise the limit \(ulimit -n\), or name fewer"), "not told")


@case
def checked_machine(lab):
    """passer --check says that it can listen here, and what somebody without rights is missing"""
    namespace = lab.namespace()
    text = namespace.run(lab.passer, "--check").stdout
    check(text.endswith("passer can listen here\n"), text)
    for word in ("Landlock", "seccomp", "capabilities", "databases", "user", "ring", "fanout"):
        check(any(word in line[:22] for line in text.splitlines()), f"no {word!r}", text)
    lab.folder.chmod(0o755)
    program = shutil.copy(lab.passer, lab.folder)
    with namespace:
        done = subprocess.run(
            [*AS_NOBODY, program, "--check"], capture_output=True, text=True, check=False)
    check_equal(done.returncode, 1, "exit status")
    check("missing: CAP_NET_RAW, CAP_BPF" in done.stdout, done.stdout)
    check(done.stdout.endswith("passer cannot listen here\n"), done.stdout)


if __name__ == "__main__":
    sys.exit(main())
