# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers whose products passer must name, a row each, and how clients talk to them.

A server gets a folder of its own for configuration and data and runs in the foreground of the
office's server host; each has its usual port, and no two have the same. The version that is
expected is what the program says of itself.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import socket
import subprocess

import traffic  # noqa: F401  first: it finds support
from sensor import Fault, wait_until
from servers import NGINX, SSHD
from support.user import AS_NOBODY, NOBODY

ADMIN_PATHS = ("/usr/sbin", "/sbin", "/usr/lib/postgresql/*/bin")  # where servers are
TALK_SECONDS = 10  # that a client waits for an answer


APACHE = """
ServerName www.office.example
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
Mutex file:{folder}
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User #65534
Group #65534
StartServers 1
DocumentRoot {folder}
Listen 8080
"""

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
inet_interfaces = all
inet_protocols = all
myhostname = mail.office.example
mydestination =
alias_maps =
smtputf8_enable = no
smtpd_peername_lookup = no
"""

POSTFIX_MASTER = """
smtp      inet  n       -       n       -       -       smtpd
rewrite   unix  -       -       n       -       -       trivial-rewrite
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
anvil     unix  -       -       n       -       1       anvil
proxymap  unix  -       -       n       -       -       proxymap
"""

DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
listen = *, ::
ssl = no
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/mail
}}
"""

VSFTPD = """
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=NO
local_enable=YES
secure_chroot_dir={folder}
"""

SAMBA = """
[global]
workgroup = OFFICE
netbios name = FILESERVER
smb ports = 445
load printers = no
printcap name = /dev/null
disable spoolss = yes
lock directory = {folder}
state directory = {folder}
cache directory = {folder}
pid directory = {folder}
private dir = {folder}
ncalrpc dir = {folder}/ncalrpc
"""

# [MS-SMB2], sections 2.1, 2.2.1.2 and 2.2.3: NEGOTIATE of a client that speaks SMB 2.1 and 3.0.
SMB2_NEGOTIATE = bytes.fromhex(
    "00000068 fe534d42 4000 0000 00000000 0000 0100 00000000 00000000 0000000000000000"
    "00000000 00000000 0000000000000000 00000000000000000000000000000000"
    "2400 0200 0100 0000 00000000 00112233445566778899aabbccddeeff 0000000000000000"
    "1002 0003")


@dataclasses.dataclass
class Server:
    """A row: a server, a client that talks to it, and what passer must say of it."""
    package: str
    port: int
    serve: list[str]  # its program and arguments; {folder} is its own
    own_word: list[str]  # a command that tells its version
    own_version: str  # where in that, a group
    product: str = ""  # pattern of passer's description; {version} is the version told
    unnamed: str = ""  # or why nothing in this talk names the product
    ask: list[str] = ()  # a client's command; {host} is the server, {url} the same in a URL
    talk: list[tuple[bytes, bytes]] = ()  # or by hand: what is waited for, and then said
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    folders: list[str] = ()
    prepare: list[list[str]] = ()  # commands before its start
    as_nobody: bool = False  # it refuses to be root

    def version(self):
        """What the program calls its version."""
        done = subprocess.run(self.own_word, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        return re.search(self.own_version, done.stdout + done.stderr)[1]

    def pattern(self):
        """Of passer's description."""
        return self.product.replace("{version}", re.escape(self.version()))


SERVERS = {
    "nginx": Server(
        "nginx-light", 80, files={"nginx.conf": NGINX},
        serve=["nginx", "-p", "{folder}", "-c", "{folder}/nginx.conf"],
        own_word=["nginx", "-v"], own_version=r"nginx/([\d.]+)",
        ask=["curl", "-s", "http://{url}/"], product="http://p/nginx/ v/{version}/ .*"),
    "apache": Server(
        "apache2-bin", 8080, files={"apache.conf": APACHE},
        serve=["apache2", "-D", "FOREGROUND", "-f", "{folder}/apache.conf"],
        own_word=["apache2", "-v"], own_version=r"Apache/([\d.]+)",
        ask=["curl", "-s", "http://{url}:8080/"],
        product="http://p/Apache httpd/ v/{version}/ .*"),
    "openssh": Server(
        "openssh-server", 22, files={"sshd.conf": SSHD},
        prepare=[["mkdir", "-p", "/run/sshd"],
                 ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "{folder}/host_key"]],
        serve=["/usr/sbin/sshd", "-D", "-e", "-f", "{folder}/sshd.conf"],
        own_word=["ssh", "-V"], own_version=r"OpenSSH_([\w.]+)",
        ask=["ssh-keyscan", "-t", "ed25519", "{host}"],
        product="ssh://p/OpenSSH/ v/{version}( [^/]+)?/ i/protocol 2.0/ .*"),
    "postfix": Server(
        "postfix", 25, files={"conf/main.cf": POSTFIX, "conf/master.cf": POSTFIX_MASTER},
        folders=["conf", "spool", "data"],
        prepare=[["chown", "postfix", "{folder}/data"],
                 ["postfix", "-c", "{folder}/conf", "check"]],  # makes the folders of the queue
        serve=["/usr/lib/postfix/sbin/master", "-d", "-c", "{folder}/conf"],
        own_word=["postconf", "-d", "mail_version"], own_version=r"= ([\d.]+)",
        ask=["curl", "-s", "smtp://{url}", "-X", "NOOP"],
        product="smtp://p/Postfix smtpd/ h/mail.office.example/ .*"),
    "dovecot-imap": Server(
        "dovecot-imapd", 143, files={"dovecot.conf": "protocols = imap" + DOVECOT},
        serve=["dovecot", "-F", "-c", "{folder}/dovecot.conf"],
        own_word=["dovecot", "--version"], own_version=r"([\d.]+)",
        ask=["curl", "-s", "imap://{url}/", "-X", "NOOP"],
        product="imap://p/Dovecot imapd/ .*"),
    "dovecot-pop3": Server(
        "dovecot-pop3d", 110, files={"dovecot.conf": "protocols = pop3" + DOVECOT},
        serve=["dovecot", "-F", "-c", "{folder}/dovecot.conf"],
        own_word=["dovecot", "--version"], own_version=r"([\d.]+)",
        ask=["curl", "-s", "pop3://{url}/", "-X", "NOOP"],
        product="pop3://p/Dovecot pop3d/ .*"),
    "vsftpd": Server(
        "vsftpd", 21, files={"vsftpd.conf": VSFTPD},
        serve=["vsftpd", "{folder}/vsftpd.conf"],
        own_word=["dpkg-query", "-W", "vsftpd"], own_version=r"vsftpd\s+([\d.]+)",
        ask=["curl", "-s", "-u", "guest:guest", "ftp://{url}/"],
        product="ftp://p/vsftpd/ v/{version}/ .*"),
    "mariadb": Server(
        "mariadb-server-core", 3306, folders=["data"],
        serve=["mariadbd", "--no-defaults", "--user=root", "--datadir={folder}/data",
               "--socket={folder}/socket", "--pid-file={folder}/pid", "--skip-grant-tables",
               "--skip-name-resolve", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"],
        own_word=["mariadbd", "--version"], own_version=r"Ver (\S+)",
        talk=[(rb"mysql_native_password", b"")],
        product=r"mysql://p/MySQL/ v/(5\.5\.5-)?{version}/ .*"),
    "postgresql": Server(
        "postgresql", 5432, as_nobody=True,
        prepare=[["initdb", "--auth=trust", "--no-sync", "--username=guest", "-D", "{folder}/data"],
                 ["sh", "-c", "echo host all all all trust >>{folder}/data/pg_hba.conf"]],
        serve=["postgres", "-D", "{folder}/data", "-h", "*", "-k", "{folder}"],
        own_word=["postgres", "--version"], own_version=r"PostgreSQL\) ([\d.]+)",
        ask=["psql", "-h", "{host}", "-U", "guest", "-c", "select 1", "postgres"],
        product="postgresql://p/PostgreSQL DB/ v/{version}/ .*"),
    "redis": Server(
        "redis-server", 6379,
        serve=["redis-server", "--save", "", "--dir", "{folder}", "--protected-mode", "no",
               "--bind", "*", "-::*"],
        own_word=["redis-server", "--version"], own_version=r"v=([\d.]+)",
        ask=["redis-cli", "-h", "{host}", "INFO", "server"],
        product="redis://p/Redis key-value store/ v/{version}/ .*"),
    "memcached": Server(
        "memcached", 11211, as_nobody=True, serve=["memcached", "-m", "8"],
        own_word=["memcached", "--version"], own_version=r"memcached ([\d.]+)",
        talk=[(b"", b"stats\r\n"), (rb"END\r\n", b"quit\r\n")],
        product="memcached://p/Memcached/ v/{version}/ .*"),
    "samba": Server(
        "samba", 445, files={"smb.conf": SAMBA},
        serve=["smbd", "-F", "--no-process-group", "--debug-stdout", "-s", "{folder}/smb.conf"],
        own_word=["smbd", "--version"], own_version=r"Version ([\d.]+)",
        talk=[(b"", SMB2_NEGOTIATE), (rb"\xfeSMB", b"")],
        unnamed="SMB 2 and 3 do not tell the program"),
}


def find_programs():
    """Servers are not where users look for programs."""
    folders = [str(path) for pattern in ADMIN_PATHS
               for path in sorted(pathlib.Path("/").glob(pattern[1:]), reverse=True)]
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), *folders))


def absent(server):
    """Programs of a row that are not installed."""
    commands = [server.serve, server.own_word, *([server.ask] if server.ask else [])]
    return sorted({command[0] for command in commands if not shutil.which(command[0])})


class Running:
    """A server at work in an office, in a folder of its own."""

    def __init__(self, office, name):
        self.office, self.name, self.row = office, name, SERVERS[name]
        self.folder = office.folder / name
        self._fill_folder()
        for command in self.row.prepare:
            self._run(command)
        self.check_alive = office.start(*self._words(self.row.serve), name=name)
        wait_until(self._is_ready, f"{name} to be ready")

    def _fill_folder(self):
        for folder in (self.folder, *(self.folder / name for name in self.row.folders)):
            folder.mkdir()
        for name, text in self.row.files.items():
            (self.folder / name).write_text(text.format(folder=self.folder))
        self.office.folder.chmod(0o755)
        if self.row.as_nobody:
            os.chown(self.folder, NOBODY, NOBODY)

    def _words(self, command):
        command = [word.format(folder=self.folder) for word in command]
        return [*AS_NOBODY, *command] if self.row.as_nobody else command

    def _run(self, command):
        done = subprocess.run(self._words(command), stdin=subprocess.DEVNULL, text=True,
                              cwd=self.folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise Fault(f"{command[0]}: exit status {done.returncode}", *done.stderr.splitlines())

    def _is_ready(self):
        """It accepts by both protocols; asked on its own host, where passer does not hear it."""
        self.check_alive()
        return all(self._accepts(address) for address in ("127.0.0.1", "::1"))

    def _accepts(self, address):
        try:
            self._connect(self.office.server, address).close()
        except OSError:
            return False
        return True

    def _connect(self, host, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with host:
            link = socket.socket(family, socket.SOCK_STREAM)
        link.settimeout(TALK_SECONDS)
        try:
            link.connect((address, self.row.port))
        except OSError:
            link.close()
            raise
        return link

    def ask(self, address):
        """A client on its own host talks to it once."""
        if self.row.ask:
            url = f"[{address}]" if ":" in address else address
            self.office.client.call(*(word.format(host=address, url=url) for word in self.row.ask))
            return
        with self._connect(self.office.client, address) as link:
            for wanted, said in self.row.talk:
                heard = b""
                while not re.search(wanted, heard, re.DOTALL):
                    chunk = link.recv(1 << 16)
                    if not chunk:
                        raise Fault(f"{self.name} hung up after {heard!r}")
                    heard += chunk
                link.sendall(said)
