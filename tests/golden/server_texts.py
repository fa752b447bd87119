# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers of Debian 12 said to usual clients, cut: (port, text)."""

SAID = (
    (80,
     b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 11:10:33 GMT\r\nCon"
     b"tent-Type: text/plain\r\nContent-Length: 8\r\nConnection: keep-alive\r\n\r\nwelcome\n"),
    (8080,
     b"HTTP/1.1 404 Not Found\r\nDate: Sun, 22 Nov 2026 11:10:33 GMT\r\nServer: Apache/2.4.7"
     b"1 (Debian)\r\nContent-Length: 236\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
     b'\r\n<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://w'),
    (22,
     b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"),
    (25,
     b"220 mail.office.example ESMTP Postfix\r\n"),
    (25,
     b"250-mail.office.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETR"
     b"N\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 CHUNKING\r\n"),
    (25,
     b"250 2.0.0 Ok\r\n"),
    (25,
     b"221 2.0.0 Bye\r\n"),
    (143,
     b"* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ LOGINDISAB"
     b"LED] Dovecot (Debian) ready.\r\n"),
    (143,
     b"* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ LOGINDISABLED"
     b"\r\nA001 OK Pre-login capabilities listed, post-login capabilities have more.\r\n"),
    (143,
     b"A002 OK NOOP completed.\r\n"),
    (143,
     b"* BYE Logging out\r\nA003 OK Logout completed.\r\n"),
    (110,
     b"+OK Dovecot (Debian) ready.\r\n"),
    (110,
     b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nSASL\r\n."
     b"\r\n"),
    (110,
     b"-ERR Unknown command.\r\n"),
    (110,
     b"+OK Logging out\r\n"),
    (21,
     b"220 (vsFTPd 3.0.3)\r\n"),
    (21,
     b"331 Please specify the password.\r\n"),
    (21,
     b"530 Login incorrect.\r\n"),
    (3306,
     b"d\x00\x00\x00\n5.5.5-10.11.19-MariaDB-0+deb12u1\x00\x05\x00\x00\x00z{ztV10=\x00\xfe"
     b'\xf7\x08\x02\x00\xff\x81\x15\x00\x00\x00\x00\x00\x00\x1d\x00\x00\x00"2smLrx\'RIX_\x00'
     b"mysql_native_password\x00"),
    (3306,
     b"!\x00\x00\x01\xff\x84\x04#08S01Got packets out of order"),
    (5432,
     b"N"),
    (5432,
     b"R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x1aapplication_name\x00psql\x00S\x00"
     b"\x00\x00\x19client_encoding\x00UTF8\x00S\x00\x00\x00\x17DateStyle\x00ISO, MDY\x00S"
     b"\x00\x00\x00&default_transaction_read_only\x00off\x00S\x00\x00\x00\x17in_hot_standby"
     b"\x00off\x00S\x00\x00\x00\x19integer_datetimes\x00on\x00S\x00\x00\x00\x1bIntervalStyle"
     b"\x00postgres\x00S\x00\x00\x00\x14is_superuser\x00on\x00S\x00\x00\x00\x19server_encodi"
     b"ng\x00UTF8\x00S\x00\x00\x002server_version\x0015.18 (Debian 15.18-0+deb12u1)\x00S\x00"
     b"\x00\x00 session_authorization\x00gu"),
    (5432,
     b"T\x00\x00\x00!\x00\x01?column?\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04"
     b"\xff\xff\xff\xff\x00\x00D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x011C\x00\x00\x00\rSELE"
     b"CT 1\x00Z\x00\x00\x00\x05I"),
    (6379,
     b"$573\r\n# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\nredis_git_dirt"
     b"y:0\r\nredis_build_id:ae4d7c971a948f0\r\nredis_mode:standalone\r\nos:Linux 6.1.0-48"
     b"-amd64 x86_64\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r"),
    (11211,
     b"STAT pid 26570\r\nSTAT uptime 9\r\nSTAT time 1795345839\r\nSTAT version 1.6.18\r\nSTA"
     b"T libevent 2.1.12-stable\r\nSTAT pointer_size 64\r\nSTAT rusage_user 0.007981\r\nSTAT"
     b" rusage_system 0.000000\r\nSTAT max_connections 1024\r\nSTAT curr_co"),
    (445,
     b"\x00\x00\x00\xca\xfeSMB@\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00"
     b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
     b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
     b"\x00\x00A\x00\x01\x00\x00\x03\x00\x00fileserver\x00\x00\x00\x00\x00\x00\x07\x00\x00"
     b"\x00\x00\x00\x80\x00\x00\x00\x80\x00\x00\x00\x80\x00h\xb1\xef\x1brz\xdd\x01\x00\x00"
     b"\x00\x00\x00\x00\x00\x00\x80\x00J\x00\x00\x00\x00\x00`H\x06\x06+\x06\x01\x05\x05\x02"
     b"\xa0>0<\xa0\x0e0\x0c\x06\n+\x06\x01\x04\x01\x827\x02\x02\n\xa3*0(\xa0&\x1b$not_define"
     b"d_in_RFC4178@please_ignore"),
)
