# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP over UDP: who calls whom."""
from golden import case
from hosts import ALICE, BOB, ROUTER, Host, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp

VONAGE = Host(ROUTER.mac, "216.115.30.28", "2001:db8::28")


def request(start="INVITE sip:bob@10.0.0.2", sender="<sip:alice@10.0.0.1>;tag=1",
            receiver="<sip:bob@10.0.0.2>"):
    lines = [f"{start} SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9", f"From: {sender}",
             f"To: {receiver}", "Call-ID: 1@10.0.0.1", "", ""]
    return "\r\n".join(lines).encode()


@case
def requests():
    """All methods that are known, and both ends of the call"""
    for number, start in enumerate((
            "INVITE sip:b@h", "OPTIONS sip:b@h", "REGISTER sip:h", "CANCEL sip:b@h", "100@h",
            "19179001661@h")):
        caller = f'"A, B" <sip:user{number}@pbx.example.com:5070>'
        yield datagram(ALICE, BOB, 5060, 5060, request(start, caller))
    for start in ("BYE sip:b@h", "invite sip:b@h", "SIP/2.0 200 OK", " INVITE sip:b@h"):
        yield datagram(ALICE, BOB, 5060, 5060, request(start, "<sip:no@h>"))


@case
def ports():
    """The port decides: SIP, SIP over TLS, ports that scanners try, and no others"""
    for port in (5060, 5061, 22, 5059, 5062, 65476, 5006, 65477):
        yield datagram(ALICE, BOB, 40000, port, request())
    yield datagram(ALICE, BOB, 40000, 5060, request(), v6=True)
    yield ether(vlan(7, ip_packet(ROUTER, BOB, udp(40000, 5060, request()))))


@case
def parties():
    """An end that cannot be read is left out; the next header of the name may be readable"""
    for sender, receiver in (
            ("alice@h", "<sip:bob@h>"), ("<sip:alice@h>", "<tel:+1>"), ("<sip:@h>", "<sip:b@>"),
            ("<sip:a b@h>", "<sip:b@h,x>"), ("<sip:a@h", "<sip:b@h;x"),
            ("\r\n <sip:folded@h>", "<sips:b@h>"),
            ("<tel:+1>\r\nFrom: <sip:second@h>", "<sip:b@h>")):
        yield datagram(ALICE, BOB, 40000, 5060, request(sender=sender, receiver=receiver))


@case
def scanner():
    """One that calls itself 100 at 1.1.1.1 on both ends, on whatever port"""
    ends = {"sender": '"x"<sip:100@1.1.1.1>', "receiver": "<sip:132@1.1.1.1>"}
    yield datagram(ALICE, BOB, 5060, 5060, request(**ends))
    yield datagram(ALICE, BOB, 5060, 5061, request(**ends))
    yield datagram(ALICE, BOB, 5060, 5080, request(**ends))
    yield datagram(BOB, ALICE, 5060, 5060, request(sender="<sip:100@1.1.1.1>"))


@case
def no_via():
    """Without the line that says UDP it is no request"""
    yield datagram(ALICE, BOB, 5060, 5060, request().replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
    yield datagram(ALICE, BOB, 5060, 5060, b"")


@case
def vonage():
    """Adapters of a telephone company and its servers"""
    text = "REGISTER sip:s.vonage.net:5061 SIP/2.0\r\nContact: {} <sip:1@h>\r\n"
    yield datagram(ALICE, VONAGE, 5061, 5061, text.format("555-0100").encode())
    yield datagram(BOB, VONAGE, 5061, 5061, text.format("x").encode())
    yield datagram(ROUTER, VONAGE, 5061, 5061, b"\0\0\0\0")
    yield datagram(VONAGE, ALICE, 5061, 5061, b"SIP/2.0 200 OK\r\nTo: <sip:1@s.vonage.net:5061>\r\n")
    yield datagram(VONAGE, ALICE, 5061, 5061, b"\0\0\0\0")
