/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pcapdump_format.h"

#include <passer/base/cursor.h>

#define NS_PER_S UINT64_C(1000000000)

#define PCAP_MAGIC_NS     0xa1b23c4du
#define PCAP_MAGIC_US     0xa1b2c3d4u
#define PCAP_HEADER       24
#define PCAP_LINK_OFFSET  20
#define PCAP_RECORD       16
#define SECTION_BLOCK     0x0a0d0d0au
#define SECTION_MAGIC     0x1a2b3c4du
#define SECTION_BYTES     28
#define INTERFACE_BLOCK   1u
#define PACKET_BLOCK      6u
#define PACKET_BYTES      32 /* without the frame */
#define OPTION_RESOLUTION 9u /* if_tsresol */
#define RESOLUTION_NS     9u /* powers of ten of a second */

#define MACS_BYTES     12
#define VLAN_BYTES     4
#define ETHERTYPE_VLAN 0x8100

/* https://www.tcpdump.org/linktypes.html */
static const struct {
	enum link_type link;
	uint16_t number;
} links[PCAPDUMP_LINK_COUNT] = {
	{LINK_ETHERNET, 1}, {LINK_RAW_IP, 101}, {LINK_SLL, 113}, {LINK_SLL2, 276},
	{LINK_NULL, 0},     {LINK_LOOP, 108},   {LINK_PPP, 9},   {LINK_RADIOTAP, 127},
	{LINK_80211, 105},  {LINK_PPP, 50},     {LINK_PPP, 51},
};

enum { LINK_INDEX_HDLC = 9, LINK_INDEX_PPPOE };

static int link_of_type(enum link_type type)
{
	for (int i = 0; i < PCAPDUMP_LINK_COUNT; i++) {
		if (links[i].link == type) {
			return i;
		}
	}
	return PCAPDUMP_NO_LINK;
}

static int link_of_number(uint32_t number)
{
	int i = 0;

	while (i < PCAPDUMP_LINK_COUNT && links[i].number != number) {
		i++;
	}
	return i;
}

int pcapdump_link(const struct frame *frame)
{
	struct cursor c = cur_of(frame->bytes);

	if (frame->link != LINK_PPP) {
		return link_of_type(frame->link);
	}
	/* Several numbers lead to LINK_PPP: they are told apart as decode_ppp() does. */
	switch (cur_be16(&c)) {
	case 0x0f00: /* Cisco HDLC */
	case 0x8f00:
		return LINK_INDEX_HDLC;
	case 0x1100: /* a PPPoE header */
		return LINK_INDEX_PPPOE;
	default:
		return link_of_type(LINK_PPP);
	}
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
	return put16(put16(p, value), value >> 16);
}

static uint8_t *put_bytes(uint8_t *p, const void *bytes, size_t len)
{
	if (len > 0) {
		memcpy(p, bytes, len);
	}
	return p + len;
}

static uint8_t *put_section(uint8_t *p)
{
	p = put32(p, SECTION_BLOCK);
	p = put32(p, SECTION_BYTES);
	p = put32(p, SECTION_MAGIC);
	p = put16(p, 1); /* version 1.0 */
	p = put16(p, 0);
	p = put32(p, UINT32_MAX); /* of unknown length */
	p = put32(p, UINT32_MAX);
	return put32(p, SECTION_BYTES);
}

void pcapdump_interface(int link, uint8_t out_bytes[static PCAPDUMP_INTERFACE_BYTES])
{
	uint8_t *p = out_bytes;

	p = put32(p, INTERFACE_BLOCK);
	p = put32(p, PCAPDUMP_INTERFACE_BYTES);
	p = put16(p, links[link].number);
	p = put16(p, 0);
	p = put32(p, PCAPDUMP_FRAME_MAX);
	p = put16(p, OPTION_RESOLUTION);
	p = put16(p, 1);
	p = put32(p, RESOLUTION_NS); /* one byte, padded */
	p = put32(p, 0);             /* no more options */
	put32(p, PCAPDUMP_INTERFACE_BYTES);
}

static uint8_t *put_pcap_header(uint8_t *p, uint16_t link)
{
	p = put32(p, PCAP_MAGIC_NS);
	p = put16(p, 2); /* version 2.4 */
	p = put16(p, 4);
	p = put32(p, 0); /* time zone and accuracy: never used */
	p = put32(p, 0);
	p = put32(p, PCAPDUMP_FRAME_MAX);
	return put32(p, link);
}

size_t pcapdump_header(const struct pcapdump_format *format, int link,
                       uint8_t out_bytes[static PCAPDUMP_HEADER_MAX])
{
	uint8_t *end = format->is_pcapng ? put_section(out_bytes)
	                                 : put_pcap_header(out_bytes, links[link].number);

	return (size_t)(end - out_bytes);
}

static bool has_lost_tag(const struct frame *frame)
{
	return frame->has_vlan && frame->link == LINK_ETHERNET && frame->bytes.len >= MACS_BYTES;
}

/* Bytes of the frame with its tag, as far as they are written. */
static uint32_t captured_bytes(const struct frame *frame)
{
	size_t len = frame->bytes.len + (has_lost_tag(frame) ? VLAN_BYTES : 0);

	return len < PCAPDUMP_FRAME_MAX ? (uint32_t)len : PCAPDUMP_FRAME_MAX;
}

static uint32_t padding(uint32_t len)
{
	return -len & 3;
}

size_t pcapdump_record_bytes(const struct pcapdump_format *format, const struct frame *frame)
{
	uint32_t len = captured_bytes(frame);

	return format->is_pcapng ? PACKET_BYTES + len + padding(len) : PCAP_RECORD + len;
}

static uint8_t *put_lengths(uint8_t *p, const struct frame *frame)
{
	size_t wire = frame->wire_bytes;

	if (wire < frame->bytes.len) {
		wire = frame->bytes.len;
	}
	p = put32(p, captured_bytes(frame));
	return put32(p, (uint32_t)wire + (has_lost_tag(frame) ? VLAN_BYTES : 0));
}

static uint8_t *put_frame(uint8_t *p, const struct frame *frame)
{
	const uint8_t *bytes = frame->bytes.data;
	size_t left = captured_bytes(frame);

	if (has_lost_tag(frame)) {
		uint16_t type = frame->vlan_tpid != 0 ? frame->vlan_tpid : ETHERTYPE_VLAN;

		p = put_bytes(p, bytes, MACS_BYTES);
		*p++ = (uint8_t)(type >> 8);
		*p++ = (uint8_t)type;
		*p++ = (uint8_t)(frame->vlan_tci >> 8);
		*p++ = (uint8_t)frame->vlan_tci;
		bytes += MACS_BYTES;
		left -= MACS_BYTES + VLAN_BYTES;
	}
	return put_bytes(p, bytes, left);
}

static void put_pcapng_record(uint8_t *p, const struct frame *frame, uint32_t interface)
{
	static const uint8_t zeros[3];
	uint32_t len = captured_bytes(frame);
	uint32_t block = PACKET_BYTES + len + padding(len);

	p = put32(p, PACKET_BLOCK);
	p = put32(p, block);
	p = put32(p, interface);
	p = put32(p, (uint32_t)(frame->time_ns >> 32));
	p = put32(p, (uint32_t)frame->time_ns);
	p = put_lengths(p, frame);
	p = put_frame(p, frame);
	p = put_bytes(p, zeros, padding(len));
	put32(p, block);
}

static void put_pcap_record(uint8_t *p, const struct frame *frame, bool is_microseconds)
{
	uint64_t rest_ns = frame->time_ns % NS_PER_S;

	p = put32(p, (uint32_t)(frame->time_ns / NS_PER_S));
	p = put32(p, (uint32_t)(is_microseconds ? rest_ns / 1000 : rest_ns));
	p = put_lengths(p, frame);
	put_frame(p, frame);
}

void pcapdump_record(const struct pcapdump_format *format, const struct frame *frame,
                     uint32_t interface, uint8_t *out_bytes)
{
	if (format->is_pcapng) {
		put_pcapng_record(out_bytes, frame, interface);
	} else {
		put_pcap_record(out_bytes, frame, format->is_microseconds);
	}
}

/* ---- going on with a file -------------------------------------------------------------------- */

/* Length of the block at the cursor, 0 when it is torn or none. A section tells the byte order. */
static size_t block_bytes(struct cursor c, bool *is_big_endian)
{
	struct cursor at = c, end = c;
	uint32_t type = cur_le32(&at);

	if (type == SECTION_BLOCK) { /* the same from both ends */
		struct cursor magic = at;

		cur_skip(&magic, 4);
		*is_big_endian = cur_be32(&magic) == SECTION_MAGIC;
	}
	uint32_t len = *is_big_endian ? cur_be32(&at) : cur_le32(&at);

	if (len < 12 || len % 4 != 0 || len > cur_left(&c)) {
		return 0;
	}
	cur_skip(&end, len - 4);
	return (*is_big_endian ? cur_be32(&end) : cur_le32(&end)) == len ? len : 0;
}

static bool recognise_pcapng(struct span file, size_t *out_end)
{
	struct cursor c = cur_of(file), first = c;
	bool is_big_endian = false;
	size_t len;

	if (cur_le32(&first) != SECTION_BLOCK) {
		return false;
	}
	while ((len = block_bytes(c, &is_big_endian)) != 0) {
		cur_skip(&c, len);
	}
	*out_end = cur_offset(&c);
	return true;
}

static bool recognise_pcap(struct span file, struct pcapdump_format *format, int *out_link,
                           size_t *out_end)
{
	struct cursor c = cur_of(file);
	struct cursor header = cur_sub(&c, PCAP_HEADER);
	uint32_t magic = cur_le32(&header);

	cur_skip(&header, PCAP_LINK_OFFSET - 4);
	uint32_t link = cur_le32(&header);

	if (!cur_ok(&header) || (magic != PCAP_MAGIC_NS && magic != PCAP_MAGIC_US)) {
		return false;
	}
	format->is_microseconds = magic == PCAP_MAGIC_US;
	*out_link = PCAPDUMP_NO_LINK;
	for (;;) {
		struct cursor record = c;

		cur_skip(&record, 8); /* time */
		uint32_t len = cur_le32(&record);

		cur_skip(&record, 4);
		cur_skip(&record, len);
		if (!cur_ok(&record)) {
			break;
		}
		*out_link = link_of_number(link & UINT16_MAX);
		c = record;
	}
	*out_end = cur_offset(&c);
	return true;
}

bool pcapdump_recognise(struct span file, struct pcapdump_format *format, int *out_link,
                        size_t *out_end)
{
	*out_link = PCAPDUMP_NO_LINK;
	return format->is_pcapng ? recognise_pcapng(file, out_end)
	                         : recognise_pcap(file, format, out_link, out_end);
}
