/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Radiotap (radiotap.org) and IEEE 802.11 as far as the network layer behind them. Open data frames
 * lead on to what their LLC/SNAP header carries; all others are left to the analyzer, whole.
 */
#include "decode.h"

#define RADIOTAP_MIN_BYTES 8
#define RADIOTAP_TSFT      0x00000001u
#define RADIOTAP_FLAGS     0x00000002u
#define RADIOTAP_MORE      0x80000000u /* another presence word follows */

#define RADIO_FLAG_FCS     0x10 /* the checksum stands at the end */
#define RADIO_FLAG_DATAPAD 0x20 /* the body is aligned to 32 bits */
#define FCS_BYTES          4

#define WIFI_MIN_BYTES       10 /* acknowledgement */
#define WIFI_DATA_BYTES      24
#define WIFI_ADDRESS_BYTES   6
#define WIFI_QOS_BYTES       2
#define WIFI_HT_BYTES        4
#define WIFI_VERSION         0x03 /* first byte */
#define WIFI_TYPE            0x0c
#define WIFI_TYPE_DATA       0x08
#define WIFI_SUBTYPE_NO_DATA 0x40
#define WIFI_SUBTYPE_QOS     0x80
#define WIFI_FOUR_ADDRESSES  0x03 /* second byte: to and from the distribution system */
#define WIFI_PROTECTED       0x40
#define WIFI_ORDER           0x80
#define WIFI_FRAGMENT        0x000f /* sequence control */
#define WIFI_QOS_AMSDU       0x80

/* The flags are the second field; the first is 8 bytes, aligned from the start of the header. */
static uint8_t radio_flags(struct cursor h)
{
	cur_skip(&h, 4);
	uint32_t present = cur_le32(&h);
	uint32_t last = present;

	while ((last & RADIOTAP_MORE) != 0) {
		last = cur_le32(&h);
	}
	if ((present & RADIOTAP_TSFT) != 0) {
		cur_skip(&h, (8 - cur_offset(&h) % 8) % 8 + 8);
	}
	return (present & RADIOTAP_FLAGS) != 0 ? cur_u8(&h) : 0;
}

enum header decode_radiotap(struct decode_state *s)
{
	struct cursor h = s->cur;
	uint8_t version = cur_u8(&h);

	cur_skip(&h, 1);
	uint16_t len = cur_le16(&h);

	h = cur_sub(&s->cur, len);
	if (cur_ok(&h) && (version != 0 || len < RADIOTAP_MIN_BYTES)) {
		cur_fail(&s->cur);
	}
	if (!cur_ok(&s->cur)) {
		return HEADER_END;
	}
	uint8_t flags = radio_flags(h);

	s->pkt->has_wifi_pad = (flags & RADIO_FLAG_DATAPAD) != 0;
	if ((flags & RADIO_FLAG_FCS) != 0 && s->lost_bytes == 0 && cur_left(&s->cur) >= FCS_BYTES) {
		s->cur = cur_sub(&s->cur, cur_left(&s->cur) - FCS_BYTES);
	}
	return HEADER_80211;
}

/* Does the body hold a packet that can be read: not protected and not a later fragment? */
static bool is_open_data(uint8_t type, uint8_t flags, uint16_t sequence)
{
	return (type & WIFI_TYPE) == WIFI_TYPE_DATA && (type & WIFI_SUBTYPE_NO_DATA) == 0 &&
	       (flags & WIFI_PROTECTED) == 0 && (sequence & WIFI_FRAGMENT) == 0;
}

static enum header decode_open_data(struct decode_state *s, uint8_t type, uint8_t flags)
{
	struct cursor c = s->cur;
	size_t start = cur_offset(&c);

	cur_skip(&c, WIFI_DATA_BYTES);
	if ((flags & WIFI_FOUR_ADDRESSES) == WIFI_FOUR_ADDRESSES) {
		cur_skip(&c, WIFI_ADDRESS_BYTES);
	}
	if ((type & WIFI_SUBTYPE_QOS) != 0) {
		struct cursor qos = cur_sub(&c, WIFI_QOS_BYTES);

		if ((cur_u8(&qos) & WIFI_QOS_AMSDU) != 0) {
			return HEADER_END;
		}
		cur_skip(&c, (flags & WIFI_ORDER) != 0 ? WIFI_HT_BYTES : 0);
	}
	if (s->pkt->has_wifi_pad) {
		cur_skip(&c, (4 - (cur_offset(&c) - start) % 4) % 4);
	}
	s->cur = c;
	return HEADER_LLC;
}

enum header decode_80211(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h = s->cur;
	uint8_t type = cur_u8(&h);
	uint8_t flags = cur_u8(&h);

	if (cur_left(&s->cur) < WIFI_MIN_BYTES) {
		cur_skip(&s->cur, WIFI_MIN_BYTES);
		return HEADER_END;
	}
	if ((type & WIFI_VERSION) != 0) {
		cur_fail(&s->cur);
		return HEADER_END;
	}
	pkt->layer = LAYER_80211;
	pkt->payload = cur_rest(&s->cur);
	cur_skip(&h, 20); /* duration and three addresses */
	uint16_t sequence = cur_le16(&h);

	return is_open_data(type, flags, sequence) ? decode_open_data(s, type, flags) : HEADER_END;
}
