/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IEEE 802.11 management frames as a monitor interface hears them: network names, authentications,
 * deauthentications, and protected data. Every frame is printed: these records are events.
 */
#include <passer/analyzers/analyzer.h>

#define TYPE_MANAGEMENT 0
#define TYPE_DATA       2
#define FLAG_PROTECTED  0x40
#define FLAG_ORDER      0x80 /* in management and QoS frames: an HT control field follows */
#define FOUR_ADDRESSES  0x03 /* flags: to and from the distribution system */
#define SUBTYPE_QOS     0x08 /* of data frames */

enum subtype {
	ASSOCIATION_REQUEST = 0,
	ASSOCIATION_RESPONSE = 1,
	REASSOCIATION_REQUEST = 2,
	REASSOCIATION_RESPONSE = 3,
	PROBE_REQUEST = 4,
	PROBE_RESPONSE = 5,
	BEACON = 8,
	AUTHENTICATION = 11,
	DEAUTHENTICATION = 12,
};

enum { ELEMENT_SSID = 0 };

#define REASON_CLASS_3      7 /* "class 3 frame received from nonassociated STA" */
#define ELEMENTS_MAX        64
#define KEY_BYTES           4 /* initialisation vector and key byte */
#define KEY_HAS_EXTENDED_IV 0x20

struct wifi_frame {
	uint8_t type, subtype, flags;
	struct mac addr1, addr2, addr3;
	struct cursor body;
};

static const struct addr nobody = {.family = ADDR_V4};

static bool wifi_parse(struct cursor c, struct wifi_frame *f)
{
	uint8_t control = cur_u8(&c);

	f->type = control >> 2 & 3;
	f->subtype = control >> 4;
	f->flags = cur_u8(&c);
	cur_skip(&c, 2); /* duration */
	f->addr1 = mac_of(cur_take(&c, 6));
	f->addr2 = mac_of(cur_take(&c, 6));
	f->addr3 = mac_of(cur_take(&c, 6));
	cur_skip(&c, 2); /* sequence control */
	if (f->type == TYPE_MANAGEMENT && (f->flags & FLAG_ORDER) != 0) {
		cur_skip(&c, 4);
	}
	f->body = c;
	return cur_ok(&c);
}

/* Fixed fields between the header and the elements; -1: a subtype whose elements we do not read. */
static int fixed_bytes(uint8_t subtype)
{
	switch (subtype) {
	case ASSOCIATION_REQUEST:
		return 4;
	case ASSOCIATION_RESPONSE:
	case AUTHENTICATION:
		return 6;
	case PROBE_REQUEST:
		return 0;
	case PROBE_RESPONSE:
	case BEACON:
		return 12;
	default:
		return -1;
	}
}

static bool is_white(uint8_t b)
{
	return b == ' ' || (b >= '\t' && b <= '\r');
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_white(s.data[0])) {
		s = span_of(s.data + 1, s.len - 1);
	}
	while (s.len > 0 && is_white(s.data[s.len - 1])) {
		s.len--;
	}
	return s;
}

static struct record *begin(const struct pkt *pkt, struct analyzer_ctx *ctx, const char *proto)
{
	record_begin(&ctx->rec, REC_WI, &nobody, proto, PROTO_PLAIN, pkt->frame->time_ns);
	return &ctx->rec;
}

static void on_elements(const struct pkt *pkt, struct cursor c, struct analyzer_ctx *ctx)
{
	for (int i = 0; i < ELEMENTS_MAX && cur_left(&c) > 0; i++) {
		uint8_t id = cur_u8(&c);
		struct span value = trim(cur_take(&c, cur_u8(&c)));

		if (cur_ok(&c) && id == ELEMENT_SSID && value.len > 0) {
			text_add_clean(&begin(pkt, ctx, "802.11 ESSID")->state, value);
			emit(ctx);
		}
	}
}

static void add_mac(struct text *t, const struct mac *mac)
{
	char text[MAC_TEXT_SIZE];

	mac_format(mac, text);
	text_add_clean_lower(t, span_str(text));
}

static bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The third address is that of the access point, so it tells which of the two is the client. */
static enum verdict on_deauthentication(const struct pkt *pkt, const struct wifi_frame *f,
                                        struct analyzer_ctx *ctx)
{
	struct cursor c = f->body;
	bool is_to_ap = mac_equal(&f->addr1, &f->addr3);
	struct record *rec;

	if (cur_le16(&c) != REASON_CLASS_3 || !(is_to_ap || mac_equal(&f->addr2, &f->addr3))) {
		return VERDICT_UNHANDLED;
	}
	rec = begin(pkt, ctx, "802.11_Deauth");
	text_add(&rec->state, "Deauthentication: client=");
	add_mac(&rec->state, is_to_ap ? &f->addr2 : &f->addr1);
	text_add(&rec->state, " AP=");
	add_mac(&rec->state, is_to_ap ? &f->addr1 : &f->addr2);
	emit(ctx);
	return VERDICT_DONE;
}

/* Algorithm, sequence number, status; a frame without elements says nothing of success. */
static enum verdict on_authentication(const struct pkt *pkt, struct cursor c,
                                      struct analyzer_ctx *ctx)
{
	cur_skip(&c, 4);
	uint16_t status = cur_le16(&c);

	if (!cur_ok(&c) || cur_left(&c) == 0) {
		return VERDICT_UNHANDLED;
	}
	if (status == 0) {
		text_add(&begin(pkt, ctx, "802.11_Auth")->state, "success");
		emit(ctx);
	}
	return VERDICT_DONE;
}

static enum verdict on_management(const struct pkt *pkt, const struct wifi_frame *f,
                                  struct analyzer_ctx *ctx)
{
	struct cursor c = f->body;
	int fixed = fixed_bytes(f->subtype);

	if ((f->flags & FLAG_PROTECTED) != 0) { /* encrypted (IEEE 802.11w), reasons too */
		return VERDICT_UNHANDLED;
	}
	if (f->subtype == DEAUTHENTICATION) {
		return on_deauthentication(pkt, f, ctx);
	}
	if (fixed < 0) {
		return VERDICT_UNHANDLED;
	}
	if (f->subtype == AUTHENTICATION) {
		return on_authentication(pkt, c, ctx);
	}
	cur_skip(&c, (size_t)fixed);
	on_elements(pkt, c, ctx);
	return VERDICT_DONE;
}

/*
 * What stands between the sequence control of a data frame, which ends at a multiple of 32 bits,
 * and its body.
 */
static size_t more_header_bytes(const struct pkt *pkt, const struct wifi_frame *f)
{
	size_t n = (f->flags & FOUR_ADDRESSES) == FOUR_ADDRESSES ? 6 : 0;

	if ((f->subtype & SUBTYPE_QOS) != 0) {
		n += (f->flags & FLAG_ORDER) != 0 ? 2 + 4 : 2; /* QoS and HT control */
	}
	return pkt->has_wifi_pad ? (n + 3) / 4 * 4 : n;
}

/* WEP proper: with an extended vector it is WPA, which deserves no mention. */
static enum verdict on_data(const struct pkt *pkt, const struct wifi_frame *f,
                            struct analyzer_ctx *ctx)
{
	struct cursor c = f->body;

	cur_skip(&c, more_header_bytes(pkt, f));
	struct span key = cur_take(&c, KEY_BYTES);

	if ((f->flags & FLAG_PROTECTED) == 0 || key.len == 0 ||
	    (key.data[KEY_BYTES - 1] & KEY_HAS_EXTENDED_IV) != 0) {
		return VERDICT_UNHANDLED;
	}
	begin(pkt, ctx, "802.11 WEP");
	emit(ctx);
	return VERDICT_DONE;
}

static enum verdict wifi_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct wifi_frame f;

	if (!wifi_parse(cur_of(pkt->payload), &f)) {
		return VERDICT_UNHANDLED;
	}
	switch (f.type) {
	case TYPE_MANAGEMENT:
		return on_management(pkt, &f, ctx);
	case TYPE_DATA:
		return on_data(pkt, &f, ctx);
	default:
		return VERDICT_UNHANDLED;
	}
}

const struct analyzer analyzer_wifi = {
	.name = "wifi",
	.match = {.layer = LAYER_80211},
	.records = {REC_WI},
	.run = wifi_run,
};
