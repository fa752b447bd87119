# SPDX-License-Identifier: GPL-3.0-or-later
"""Countries and autonomous systems of public addresses, with --geoip."""
from golden import case
from hosts import ALICE, BOB, RESOLVER, datagram, packet
from support.dns import dns, question, rr
from support.mmdb import mmdb, value_bytes
from support.transport import tcp

COUNTRY = {"home": {"country.mmdb": mmdb({
    "8.8.8.0/24": {"continent": {"code": "NA"}, "country": {"iso_code": "US"}},
    "9.9.9.9/32": {"country": {"iso_code": "CH", "names": {"en": "Switzerland"}}},
    "2001:4860::/32": {"country": {"iso_code": "US"}},
    "10.0.0.0/8": {"country": {"iso_code": "ZZ"}},
    "192.0.2.0/24": {"country": {"iso_code": "ZZ"}},
    "fe80::/10": {"country": {"iso_code": "ZZ"}},
    "2001:db8::/32": {"country": {"iso_code": "ZZ"}},
})}, "options": ["--geoip", ".passer/country.mmdb"]}

AS = mmdb({"8.8.8.8/32": {"autonomous_system_number": 15169}}, ip_version=4)

COLUMNS = mmdb({  # as others than MaxMind name them
    "8.8.8.0/24": {"country_code": "US", "asn": "AS15169"},
    "8.8.9.0/24": {"country": "us", "asn": "AS4294967295"},
    "8.8.10.0/24": {"traits": {"autonomous_system_number": 64}},
})

ODD = mmdb({
    "8.8.8.0/24": {"country_code": "US"},
    "8.8.1.0/24": {"country_code": "U,"},
    "8.8.2.0/24": {"country_code": "USA"},
    "8.8.3.0/24": {"country_code": 7, "asn": "AS1x"},
    "8.8.4.0/24": {"country_code": ["US"], "asn": "AS4294967296"},
    "8.8.5.0/24": {"country": {"iso_code": {}}, "autonomous_system_number": 0},
    "8.8.6.0/24": "US",
    "8.8.7.0/24": value_bytes({"country_code": "US"})[:-2],
})


def asks(address, v6=False):
    """A public host that asks one of ours."""
    client = ALICE._replace(v6=address) if v6 else ALICE._replace(v4=address)
    return packet(client, BOB, tcp(40000, 80, "S"), v6)


@case(**COUNTRY)
def country():
    """Public addresses of both families; not those that are of no place, nor unknown ones"""
    for address in ("8.8.8.8", "9.9.9.9", "9.9.9.8", "10.0.0.1", "192.0.2.1"):
        yield asks(address)
    for address in ("2001:4860::1", "2001:db8::1", "fe80::1"):
        yield asks(address, v6=True)


@case(home={**COUNTRY["home"], "as.mmdb": AS},
      options=["--geoip", ".passer/as.mmdb", *COUNTRY["options"]])
def two_databases():
    """Each tells what it knows; IPv6 addresses are in no database of IPv4"""
    for address in ("8.8.8.8", "8.8.8.9", "9.9.9.9"):
        yield asks(address)
    yield asks("2001:4860::1", v6=True)


@case(**COUNTRY)
def beside_other_words():
    """Behind a description, before its warnings, and in the closing line of a suspicious host"""
    found = [rr("dns.example.", "A", "8.8.8.8"), rr("dns.example.", "AAAA", "2001:4860::8888")]
    yield datagram(RESOLVER, ALICE, 53, 4000, dns(answers=found))
    client = ALICE._replace(v4="8.8.8.9")
    yield datagram(client, RESOLVER, 4000, 53, dns([question("isc.org.", "ANY")]))
    yield packet(client, BOB, tcp(40000, 80, "SF"))


@case(home={"x.mmdb": COLUMNS}, options=["--geoip", ".passer/x.mmdb"])
def other_fields():
    """Fields as several makers of databases name them"""
    for net in (8, 9, 10):
        yield asks(f"8.8.{net}.1")


@case(home={"x.mmdb": ODD}, options=["--geoip", ".passer/x.mmdb"])
def odd_values():
    """What is no country and no AS number is not told"""
    for net in range(1, 9):
        yield asks(f"8.8.{net}.1")


def bad(name, content, why):
    """A run that ends before it reads a packet."""
    def build():
        yield asks("8.8.8.8")

    build.__name__, build.__doc__, build.__module__ = name, f"A database that is {why[0]}", __name__
    case(home={} if content is None else {"bad.mmdb": content}, status=2,
         options=["--geoip", ".passer/bad.mmdb"],
         stderr=[rf"passer: error: --geoip \.passer/bad\.mmdb: {why[1]}"])(build)


bad("absent_file", None, ("not there", "No such file or directory"))
bad("empty_file", b"", ("empty", ".+"))
bad("text_file", b"8.8.8.0/24,US\n", ("something else", ".*metadata.*"))
bad("torn_file", AS[:-40], ("torn", ".+"))
bad("other_database", mmdb({"8.8.8.0/24": {"is_anonymous": 1}}),
    ("of something else", "neither countries nor AS numbers in it"))
