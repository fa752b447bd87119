/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/registry.h>
#include <passer/analyzers/selection.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLASS(id) (1u << FRAME_CLASS_##id) /* pkt.h has TCP_SYN and others as flags */

#define ICMP_CLASSES  (CLASS(ICMP_ERROR) | CLASS(ICMP))
#define ICMP6_CLASSES (CLASS(ICMP6_ERROR) | CLASS(ICMP6_ND) | CLASS(ICMP6))
#define TCP_BEGIN     (CLASS(TCP_SYN) | CLASS(TCP_SYNACK)) /* without it a budget has no flow */
#define TCP_CONTROL   (TCP_BEGIN | CLASS(TCP_FIN) | CLASS(TCP_RST) | CLASS(TCP_ODD))
#define TCP_CLASSES   (TCP_CONTROL | CLASS(TCP_ACK_DATA) | CLASS(TCP_ACK_DNS))
#define UDP_CLASSES   (CLASS(UDP_DNS) | CLASS(UDP_DHCP) | CLASS(UDP_CONTROL) | CLASS(UDP))
#define IP_CLASSES    (CLASS(IP_OTHER) | CLASS(FRAGMENT))

#define PORT_DNS 53

/* ---- Which classes a record type is made from ---- */

/* No analyzer learns anything from an empty ACK, nor from what is not IP and not ARP. */
static const uint32_t classes_of_layer[LAYER_COUNT + 1] = {
	[LAYER_ARP] = CLASS(ARP),
	[LAYER_IP] = IP_CLASSES,
	[LAYER_ICMP] = ICMP_CLASSES,
	[LAYER_ICMP6] = ICMP6_CLASSES,
	[LAYER_TCP] = TCP_CLASSES,
	[LAYER_UDP] = UDP_CLASSES,
	[LAYER_80211] = CLASS(LLC),
	[MATCH_ALL_LAYERS] =
		CLASS(ARP) | IP_CLASSES | ICMP_CLASSES | ICMP6_CLASSES | TCP_CLASSES | UDP_CLASSES,
};

static uint32_t classes_of_udp_port(uint16_t port)
{
	if (is_dns_port(port)) {
		return CLASS(UDP_DNS);
	}
	if (is_dhcp_port(port)) {
		return CLASS(UDP_DHCP);
	}
	return is_control_port(port) ? CLASS(UDP_CONTROL) : CLASS(UDP) | CLASS(UDP_CONTROL);
}

static uint32_t classes_of_tcp_port(uint16_t port)
{
	return TCP_BEGIN |
	       (port == PORT_DNS ? CLASS(TCP_ACK_DNS) : CLASS(TCP_ACK_DATA) | CLASS(TCP_ACK_DNS));
}

static uint32_t classes_of_analyzer(const struct analyzer *a)
{
	uint32_t classes = 0;

	for (int i = 0; i < ANALYZER_PORTS_MAX && a->match.ports[i] != 0; i++) {
		classes |= a->match.layer == LAYER_TCP ? classes_of_tcp_port(a->match.ports[i])
		                                       : classes_of_udp_port(a->match.ports[i]);
	}
	return classes != 0 ? classes : classes_of_layer[a->match.layer];
}

static uint32_t records_of_analyzer(const struct analyzer *a)
{
	uint32_t records = 0;

	for (int i = 0; i < ANALYZER_RECORDS_MAX && a->records[i] != REC_NONE; i++) {
		records |= UINT32_C(1) << a->records[i];
	}
	return records;
}

/* Every warning makes its host suspicious, and IP records say so: they are made from all. */
uint32_t selection_classes_of(uint32_t records)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);
	uint32_t classes = FRAME_CLASSES_ALWAYS_KEPT;

	for (size_t i = 0; i < count; i++) {
		const struct analyzer *a = rows[i].analyzer;

		if ((records & (records_of_analyzer(a) | RECORD_BIT(IP))) != 0) {
			classes |= classes_of_analyzer(a);
		}
	}
	return classes;
}

/* ---- Profiles ---- */

static const struct profile profiles[] = {
#define PROFILE(name, records, leaves_out, tcp, udp, about) \
	{name, records, leaves_out, tcp, udp, about},
#include "profiles.def"
#undef PROFILE
};

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))

const struct profile *profile_rows(size_t *out_count)
{
	*out_count = PROFILE_COUNT;
	return profiles;
}

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < PROFILE_COUNT; i++) {
		if (strcmp(profiles[i].name, name) == 0) {
			return &profiles[i];
		}
	}
	return NULL;
}

struct selection profile_selection(const struct profile *profile)
{
	return (struct selection){
		.records = profile->records,
		.classes = selection_classes_of(profile->records) &
	                   ~(profile->leaves_out & ~FRAME_CLASSES_ALWAYS_KEPT),
		.tcp_budget = profile->tcp_budget,
		.udp_budget = profile->udp_budget,
	};
}

void selection_add(struct selection *selection, uint32_t classes)
{
	selection->also_classes |= classes;
	selection->classes |= classes;
}

/* ---- Setting one by words ---- */

static int set_profile(struct selection *selection, const char *name, struct err *err)
{
	const struct profile *profile = profile_find(name);
	char names[512];
	struct text list;

	if (profile != NULL) {
		const uint32_t also = selection->also_classes;

		*selection = profile_selection(profile);
		selection_add(selection, also);
		return 0;
	}
	text_init(&list, names, sizeof(names));
	for (size_t i = 0; i < PROFILE_COUNT; i++) {
		text_add(&list, i > 0 ? ", " : "");
		text_add(&list, profiles[i].name);
	}
	return err_set(err, -EINVAL, "--profile %s: there is none of that name; there are %s", name,
	               names);
}

/* The bit of the type whose name these bytes are; 0 when there is none. */
static uint32_t record_bit(const char *name, size_t len)
{
	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		const char *known = record_type_name((enum record_type)type);

		if (strlen(known) == len && memcmp(known, name, len) == 0) {
			return UINT32_C(1) << type;
		}
	}
	return 0;
}

static int refuse_record(const char *name, size_t len, struct err *err)
{
	char names[128];
	struct text list;

	text_init(&list, names, sizeof(names));
	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		text_add(&list, type > REC_NONE + 1 ? ", " : "");
		text_add(&list, record_type_name((enum record_type)type));
	}
	return err_set(err, -EINVAL, "--records: there is no type '%.*s'; there are %s", (int)len,
	               name, names);
}

static int set_records(struct selection *selection, const char *list, struct err *err)
{
	uint32_t records = 0;

	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		uint32_t bit = record_bit(p, len);

		if (bit == 0) {
			return refuse_record(p, len, err);
		}
		records |= bit;
		p += len;
		if (*p == '\0') {
			break;
		}
	}
	selection->records = records;
	selection->classes = selection_classes_of(records) | selection->also_classes;
	return 0;
}

static int parse_budget(const char *what, const char *value, uint32_t *out_budget, struct err *err)
{
	unsigned long units;
	char *end;

	if (strcmp(value, "none") == 0 || strcmp(value, "all") == 0) {
		*out_budget = value[0] == 'a' ? BUDGET_ALL : 0;
		return 0;
	}
	units = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || units > BUDGET_USED_MAX) {
		return err_set(err, -EINVAL, "--%s %s: none, all or a number up to %d is wanted",
		               what, value, BUDGET_USED_MAX);
	}
	*out_budget = (uint32_t)units;
	return 0;
}

int selection_set(struct selection *selection, const char *what, const char *value, struct err *err)
{
	if (strcmp(what, "profile") == 0) {
		return set_profile(selection, value, err);
	}
	if (strcmp(what, "records") == 0) {
		return set_records(selection, value, err);
	}
	if (strcmp(what, "acks") == 0) {
		return parse_budget(what, value, &selection->tcp_budget, err);
	}
	if (strcmp(what, "udp") == 0) {
		return parse_budget(what, value, &selection->udp_budget, err);
	}
	return err_set(err, -EINVAL, "%s: profile, records, acks or udp is wanted", what);
}

/* ---- Asking it ---- */

static struct endpoint host_of(const struct addr *addr)
{
	return (struct endpoint){.addr = *addr};
}

/* The first frames that a tunnel carries in each window are kept, whatever is inside. */
static bool is_known_tunnel(struct flows *flows, const struct pkt *outer)
{
	const struct endpoint src = host_of(&outer->src), dst = host_of(&outer->dst);

	return flow_spend_window(flows, &src, &dst, 0, outer->frame->time_ns) >= TUNNEL_BUDGET;
}

static bool is_within_budget(const struct selection *selection, struct flows *flows,
                             const struct pkt *pkt, enum frame_class class)
{
	const struct endpoint src = {.addr = pkt->src, .port = pkt->sport};
	const struct endpoint dst = {.addr = pkt->dst, .port = pkt->dport};
	/* On the wire: a file may hold less of it. */
	uint32_t bytes = pkt->ip_payload_wire - (uint32_t)(pkt->ip_payload.len - pkt->payload.len);
	uint64_t time_ns = pkt->frame->time_ns;

	switch (class) {
	case FRAME_CLASS_TCP_ACK_DATA:
	case FRAME_CLASS_TCP_ACK_DNS:
		return flow_spend(flows, &src, &dst, bytes, time_ns) < selection->tcp_budget;
	case FRAME_CLASS_UDP:
		return flow_spend_window(flows, &src, &dst, bytes, time_ns) < selection->udp_budget;
	default:
		return true;
	}
}

bool selection_wants(const struct selection *selection, struct flows *flows,
                     const struct pkt *outer, const struct pkt *inner)
{
	enum frame_class class = pkt_class(outer);
	bool is_first =
		inner != NULL && class != FRAME_CLASS_TUNNEL && !is_known_tunnel(flows, outer);
	bool is_within = is_within_budget(selection, flows, inner != NULL ? inner : outer, class);

	return is_first || (is_within && (selection->classes >> class & 1) != 0);
}

/* ---- Telling it ---- */

void selection_records_text(uint32_t records, struct text *out_text)
{
	bool is_first = true;

	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		if ((records >> type & 1) != 0) {
			text_add(out_text, is_first ? "" : ",");
			text_add(out_text, record_type_name((enum record_type)type));
			is_first = false;
		}
	}
}

/* Of these records, those that are made from a class. */
static uint32_t records_from(uint32_t records, enum frame_class class)
{
	uint32_t from = 0;

	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		uint32_t bit = UINT32_C(1) << type;

		if ((records & bit) != 0 && (selection_classes_of(bit) >> class & 1) != 0) {
			from |= bit;
		}
	}
	return from;
}

static void print_budget(uint32_t budget, const char *unit, FILE *out)
{
	char text[64];

	if (budget == 0 || budget == BUDGET_ALL) {
		snprintf(text, sizeof(text), "%s", budget == 0 ? "dropped" : "kept");
	} else {
		snprintf(text, sizeof(text), "first %u %ss", (unsigned)budget, unit);
	}
	fprintf(out, "%-22s", text);
}

static void explain_class(const struct selection *s, enum frame_class class, FILE *out)
{
	bool is_kept = (s->classes >> class & 1) != 0;
	uint32_t records = records_from(s->records, class);
	char names[128];
	struct text list;

	text_init(&list, names, sizeof(names));
	selection_records_text(records, &list);
	fprintf(out, "%-14s", frame_class_name(class));
	if (is_kept && (class == FRAME_CLASS_TCP_ACK_DATA || class == FRAME_CLASS_TCP_ACK_DNS)) {
		print_budget(s->tcp_budget, "segment", out);
	} else if (is_kept && class == FRAME_CLASS_UDP) {
		print_budget(s->udp_budget, "datagram", out);
	} else if (is_kept && class == FRAME_CLASS_TUNNEL) {
		print_budget(TUNNEL_BUDGET, "frame", out);
	} else {
		fprintf(out, "%-22s", is_kept ? "kept" : "dropped");
	}
	fprintf(out, "%s\n", records != 0 ? names : "-");
}

void selection_explain(const struct selection *selection, FILE *out)
{
	fprintf(out, "%-14s%-22s%s\n", "class", "kept (whole frames)", "records made from it");
	for (int id = 0; id < FRAME_CLASS_COUNT; id++) {
		explain_class(selection, (enum frame_class)id, out);
	}
}
