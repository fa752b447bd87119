/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of a pcap file: draft-ietf-opsawg-pcap, and the variant that the patched libpcap of
 * Red Hat 6 and 7 wrote, whose record headers have 8 bytes more behind the usual ones.
 */
#include "pcapfile_internal.h"

#include <errno.h>

#define MAGIC_BYTES         4
#define FILE_HEADER_BYTES   24
#define RECORD_HEADER_BYTES 16
#define PATCHED_EXTRA_BYTES 8

static const struct magic {
	uint32_t value;
	uint32_t tick_ns;
	size_t header_bytes;
} magics[] = {
	{0xa1b2c3d4, 1000, RECORD_HEADER_BYTES},
	{0xa1b23c4d, 1, RECORD_HEADER_BYTES},
	{0xa1b2cd34, 1000, RECORD_HEADER_BYTES + PATCHED_EXTRA_BYTES},
};

/* False when it is no magic of this format. */
static bool read_magic(struct span head, struct pcap_state *pcap)
{
	struct cursor big = cur_of(head), little = big;
	uint32_t as_big = cur_be32(&big), as_little = cur_le32(&little);

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (m->value == as_big || m->value == as_little) {
			pcap->is_big_endian = m->value == as_big;
			pcap->header_bytes = m->header_bytes;
			pcap->tick_ns = m->tick_ns;
			return true;
		}
	}
	return false;
}

/*
 * Versions before 2.3 have the two lengths the other way round, and programs that wrote 2.3 did
 * not agree about it.
 */
static bool has_swapped_lengths(const struct pcap_state *pcap, uint32_t captured, uint32_t original)
{
	return pcap->minor_version < 3 || (pcap->minor_version == 3 && captured > original);
}

static int pcap_next(struct pcapfile *f, struct frame *out_frame, struct err *err)
{
	const struct pcap_state *pcap = &f->pcap;
	int ret = pcapfile_need(f, pcap->header_bytes, "record header", err);

	if (ret < 0) {
		return ret;
	}
	struct cursor c = cur_of(stream_peek(f->stream, pcap->header_bytes));
	uint32_t seconds = file_u32(&c, pcap->is_big_endian);
	uint32_t ticks = file_u32(&c, pcap->is_big_endian);
	uint32_t captured = file_u32(&c, pcap->is_big_endian);
	uint32_t original = file_u32(&c, pcap->is_big_endian);

	if (has_swapped_lengths(pcap, captured, original)) {
		uint32_t first = captured;

		captured = original;
		original = first;
	}
	if (captured > PCAPFILE_MAX_RECORD_BYTES) {
		return err_set(err, -EBADMSG, "record of %u bytes is too large to be true",
		               captured);
	}
	ret = pcapfile_need(f, pcap->header_bytes + captured, "record", err);
	if (ret < 0) {
		return ret;
	}
	stream_take(f->stream, pcap->header_bytes);
	*out_frame = (struct frame){
		.bytes = stream_take(f->stream, captured),
		.wire_bytes = original > captured ? original : captured,
		.link = pcap->link,
		.time_ns = (uint64_t)seconds * NS_PER_S + (uint64_t)ticks * pcap->tick_ns,
	};
	return RECORD_FRAME;
}

int pcap_begin(struct pcapfile *f, struct err *err)
{
	int ret = stream_need(f->stream, MAGIC_BYTES, err);

	if (ret < 0 && ret != -ENODATA) {
		return ret;
	}
	if (!read_magic(stream_peek(f->stream, MAGIC_BYTES), &f->pcap)) {
		return 0;
	}
	ret = pcapfile_need(f, FILE_HEADER_BYTES, "file header", err);
	if (ret < 0) {
		return ret;
	}
	struct cursor c = cur_of(stream_take(f->stream, FILE_HEADER_BYTES));

	cur_skip(&c, MAGIC_BYTES + 2); /* behind the major version, which is 2 */
	f->pcap.minor_version = file_u16(&c, f->pcap.is_big_endian);
	cur_skip(&c, 12); /* time zone, accuracy, snap length: nobody fills or needs them */
	f->pcap.link = pcapfile_link_type(file_u32(&c, f->pcap.is_big_endian));
	f->next = pcap_next;
	return 1;
}
