# SPDX-License-Identifier: GPL-3.0-or-later
"""A small office of real programs: a server and a client on a hub, and a port where passer listens.

    server  10.9.0.1, 2001:db8:9::1     nginx, sshd, dnsmasq
    client  10.9.0.2, 2001:db8:9::2
"""
import contextlib
import os
import pathlib
import signal
import subprocess

import net
from sensor import Fault, wait_until

SERVER, CLIENT = 1, 2
LEASE = "10.9.0.77"
DOMAIN = "office.example"

END_SECONDS = 5  # that a server may take to end

STATES = {"tcp": "0A", "udp": "07"}  # listening, bound: /proc/net/tcp and udp

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {folder}/nginx-body;
	proxy_temp_path {folder}/nginx-proxy;
	fastcgi_temp_path {folder}/nginx-fastcgi;
	uwsgi_temp_path {folder}/nginx-uwsgi;
	scgi_temp_path {folder}/nginx-scgi;
	server {{
		listen 80;
		listen [::]:80;
		return 200 "welcome\\n";
	}}
}}
"""

SSHD = """
Port 22
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
"""

DHCP_SCRIPT = """#!/bin/sh
case $1 in
bound) ip address replace "$ip/24" dev "$interface" ;;
esac
"""


def v4(number):
    return f"10.9.0.{number}"


def v6(number):
    return f"2001:db8:9::{number}"


def long_v6(number):
    """As passer writes it."""
    return f"2001:0db8:0009:0000:0000:0000:0000:{number:04x}"


def finish(process):
    """Ends a program, whether it wants to or not, and what it has started."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class Office:
    """Hosts on a hub, which hands every frame to every port, the sensor's too."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.folder
        self.hub = lab.namespace()
        self.hub.ip("link add hub type bridge ageing_time 0 mcast_snooping 0 forward_delay 0",
                    "link set hub up")
        self.span = self.plug_in(lab.namespace(), "span")
        self.server = self.host(SERVER, "server")
        self.client = self.host(CLIENT, "client")

    def plug_in(self, namespace, port):
        """A cable from eth0 of a host to the hub."""
        net.wire(self.hub, namespace, port, "eth0")
        self.hub.ip(f"link set {port} master hub")
        return namespace

    def host(self, number, port):
        """A host with its addresses."""
        host = self.plug_in(self.lab.namespace(has_ipv6=True), port)
        host.ip(f"address add {v4(number)}/24 dev eth0",
                f"address add {v6(number)}/64 dev eth0 nodad")
        wait_until(lambda: host.interface()["operstate"] == "UP", f"the cable of {port}")
        return host

    def listen(self, *options):
        """A passer on the hub."""
        return self.lab.listening(self.span, "-i", "eth0", *options)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text.format(folder=self.folder))
        return path

    def start(self, *command, host=None, name=None):
        """Starts a program, the server's if no host is told; gives what raises a fault when it
        has ended. In a session of its own: some end their process group when they end."""
        name = name or pathlib.Path(command[0]).name
        log = self.folder / f"{name}.log"
        with host or self.server, log.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True)
        self.lab.stack.callback(finish, process)

        def check_alive():
            if process.poll() is not None:
                raise Fault(f"{name} ended", *log.read_text(errors="replace").splitlines())

        return check_alive

    def serve(self, protocol, port, *command):
        """Starts a server and waits until it can be asked; no frame does that."""
        check_alive = self.start(*command)

        def is_ready():
            check_alive()
            return self._is_bound(protocol, port)

        wait_until(is_ready, pathlib.Path(command[0]).name)

    def _is_bound(self, protocol, port):
        end = f":{port:04X} "
        with self.server:
            tables = [pathlib.Path(f"/proc/thread-self/net/{protocol}{suffix}").read_text()
                      for suffix in ("", "6")]
        return all(any(end in line and line.split()[3] == STATES[protocol] and
                       line.split()[1].endswith(end.strip()) for line in table.splitlines()[1:])
                   for table in tables)

    def start_nginx(self):
        config = self.write("nginx.conf", NGINX)
        self.serve("tcp", 80, "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(config))

    def start_sshd(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        str(self.folder / "host_key")], check=True)
        if not os.path.isdir("/run/sshd"):  # an sshd that is started by hand wants it
            os.mkdir("/run/sshd", 0o755)
            self.lab.stack.callback(os.rmdir, "/run/sshd")
        config = self.write("sshd.conf", SSHD)
        self.serve("tcp", 22, "/usr/sbin/sshd", "-D", "-e", "-f", str(config))

    def start_dnsmasq(self):
        self.serve(
            "udp", 53, "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
            "--user=root", "--pid-file", "--no-resolv", "--no-hosts", "--log-facility=-",
            f"--host-record=www.{DOMAIN},{v4(SERVER)},{v6(SERVER)}",
            f"--cname=web.{DOMAIN},www.{DOMAIN}", "--interface=eth0", "--bind-interfaces",
            f"--dhcp-range={LEASE},{LEASE},1h", "--dhcp-authoritative", "--no-ping",
            f"--dhcp-leasefile={self.folder}/leases")

    def ask(self, *command):
        """Runs a command of the client's; its output."""
        return self.client.run(*command).stdout

    def lease(self, host):
        """A host without an address gets one."""
        script = self.write("dhcp-script", DHCP_SCRIPT)
        script.chmod(0o755)
        host.run("udhcpc", "-i", "eth0", "-f", "-q", "-n", "-s", str(script))
