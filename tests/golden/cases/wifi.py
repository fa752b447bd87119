# SPDX-License-Identifier: GPL-3.0-or-later
"""802.11: names of networks, authentications, deauthentications, WEP."""
from golden import case
from hosts import ALICE, BOB, ip_packet
from support.capture import RADIOTAP
from support.link import OTHER_MAC, SOME_MAC
from support.transport import tcp
from support.wifi import (BETWEEN_POINTS, ORDER, PROTECTED, TO_NETWORK, announcement, authentication,
                          deauthentication, element, radiotap, wifi_data)

THIRD_MAC = "02:00:00:00:00:03"
RATES = element(1, b"\x82\x84")


@case(link=RADIOTAP)
def network_names():
    """Every frame that names a network prints, again and again"""
    for kind in ("beacon", "probe request", "probe response", "association request", "beacon"):
        yield radiotap(announcement(kind, element(0, b"Home") + RATES))
    yield radiotap(announcement("beacon", RATES + element(0, b"Office")), has_fcs=True)


@case(link=RADIOTAP)
def odd_network_names():
    """Hidden and blank names do not; odd ones are trimmed and cleaned"""
    for name in (b"", b"   ", b"  two, words\r\n ", b"caf\xc3\xa9", b"bad\xff", b"esc\x1b[1m"):
        yield radiotap(announcement("beacon", element(0, name) + RATES))
    two = element(0, b"one") + element(0, b"two")
    yield radiotap(announcement("beacon", two))
    yield radiotap(announcement("beacon", b"\0\x20short"))


@case(link=RADIOTAP)
def deauthentications():
    """Reason 7 tells client and access point; other reasons and third parties nothing"""
    yield radiotap(deauthentication(OTHER_MAC, SOME_MAC, OTHER_MAC))
    yield radiotap(deauthentication(SOME_MAC, OTHER_MAC, OTHER_MAC))
    yield radiotap(deauthentication(SOME_MAC, OTHER_MAC, THIRD_MAC))
    yield radiotap(deauthentication(SOME_MAC, OTHER_MAC, OTHER_MAC, reason=3))


@case(link=RADIOTAP)
def protected_deauthentication():
    """The reason of a protected one cannot be read: what looks like it is a packet number"""
    yield radiotap(deauthentication(OTHER_MAC, SOME_MAC, OTHER_MAC, flags=PROTECTED) + bytes(22))


@case(link=RADIOTAP)
def authentications():
    """A success with elements; not a failure, not one without elements"""
    yield radiotap(authentication(0, RATES))
    yield radiotap(authentication(1, RATES))
    yield radiotap(authentication(0))


@case(link=RADIOTAP)
def wep():
    """Protected data whose key byte shows no extended IV"""
    frame = wifi_data(ip_packet(ALICE, BOB, tcp(1, 80, "S")), PROTECTED | TO_NETWORK)
    key_at = 24 + 3  # behind the header and three bytes of initialization vector
    for key in (b"\x00", b"\x20"):
        yield radiotap(frame[:key_at] + key + frame[key_at + 1 :])


@case(link=RADIOTAP)
def wep_behind_longer_headers():
    """The key byte behind a fourth address, QoS and HT control"""
    ip = ip_packet(ALICE, BOB, tcp(1, 80, "S"))
    for flags, is_qos, header in ((BETWEEN_POINTS, False, 30), (BETWEEN_POINTS, True, 32),
                                  (TO_NETWORK, True, 26), (TO_NETWORK | ORDER, True, 30)):
        frame = wifi_data(ip, PROTECTED | flags, is_qos)
        for vector in ("01020300", "01020020"):  # WEP; with an extended vector, so WPA
            yield radiotap(frame[:header] + bytes.fromhex(vector) + frame[header:])


@case(link=RADIOTAP)
def wep_behind_padding():
    """The key byte behind a header that is padded to 32 bits, or need not be"""
    ip = ip_packet(ALICE, BOB, tcp(1, 80, "S"))
    for is_qos, header, pad in ((True, 26, b"\0\0"), (False, 24, b"")):
        frame = wifi_data(ip, PROTECTED | TO_NETWORK, is_qos)
        for vector in ("01020300", "01020020"):
            body = pad + bytes.fromhex(vector) + frame[header:]
            yield radiotap(frame[:header] + body, is_padded=True)
