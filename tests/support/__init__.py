# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds packets and capture files for tests, from the standard library alone.

Every builder takes the layer it carries as its last positional argument and returns bytes that know
how the layer below announces them, so that a frame reads from the outside in:

    ether(vlan(100, ipv4("10.0.0.1", "10.0.0.2", tcp(40000, 80, "S"))))
"""
