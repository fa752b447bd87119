/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * Socket filter: gives every frame its class, spends from the budget of its flow, counts it, and
 * keeps it when class and budget say so. pkt_class() in src/decode/class.c gives the same classes
 * in user space.
 *
 * Most of all frames are TCP or UDP over plain IP: passer_filter reads them with one load, which is
 * the cheapest way that a socket filter has, and hands all others to passer_filter_walk. The two
 * are programs, and not functions, since the kernel charges a socket's small option memory for the
 * program that is attached to it only, and since not every kernel lets one program have both
 * functions and tail calls.
 */
#include "parse.bpf.h"

#define TCP_BYTES            20
#define PORTS_BYTES          4 /* at the beginning of TCP and UDP headers */
#define IPV4_WITHOUT_OPTIONS 0x45

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* What is hashed in place of the protocol for a tunnel, which is none. */
#define KIND_TUNNEL 0x100

char LICENSE[] SEC("license") = "GPL";

const volatile struct filter_constants constants;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLASS_COUNTERS);
	__type(key, __u32);
	__type(value, struct class_counter);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_events);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_CELLS);
	__type(key, __u32);
	__type(value, __u64);
} flows SEC(".maps");

int passer_filter_walk(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} programs SEC(".maps") = {.values = {(void *)&passer_filter_walk}};

/* ---- Flows ---- */

/*
 * Cells are read and written without atomic operations: what two CPUs do at the same time may lose
 * a unit, or a beginning, and nothing worse.
 */
struct cell {
	__u64 *at;
	__u64 tag; /* in its place in the cell */
	__u64 now; /* likewise */
	__u64 is_displacing;
	__u64 is_unknown;
};

/* One term of the universal hash NH (RFC 4418, section 5.2): cheap, and nobody foresees it. */
static __always_inline __u64 nh(__u32 a, __u32 b, int key)
{
	return (__u64)(__u32)(a + constants.hash_key[key]) *
	       (__u32)(b + constants.hash_key[key + 1]);
}

/* Spreads what NH left in a few bits over all of them. */
static __always_inline __u64 spread(__u64 h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/* Of a direction: the source's address and port come first. */
static __always_inline __u64 hash_direction(const __u32 *addresses, bool is_v6, __u32 ports,
                                            __u32 kind)
{
	const __u32 *a = addresses;
	__u64 h = nh(ports, kind, 0) + nh(a[0], a[1], 2);

	if (is_v6) {
		h += nh(a[2], a[3], 4) + nh(a[4], a[5], 6) + nh(a[6], a[7], 8);
	}
	return spread(h);
}

static __always_inline bool is_of(const struct cell *cell, __u64 value)
{
	return value >> CELL_TAG_SHIFT == cell->tag >> CELL_TAG_SHIFT;
}

/* How long ago a cell was used or, of a window, begun. */
static __always_inline __u64 ticks_since(const struct cell *cell, __u64 value)
{
	return ((cell->now >> CELL_TIME_SHIFT) - (value >> CELL_TIME_SHIFT)) & CELL_TIME_MASK;
}

static __always_inline bool is_within_window(const struct cell *cell, __u64 value)
{
	return ticks_since(cell, value) < constants.window_ticks;
}

/* Where neither of two cells is of the direction: is it this one that is to be lost? */
static __always_inline bool is_older(const struct cell *cell, __u64 value, __u64 other)
{
	return other != 0 && (value == 0 || ticks_since(cell, value) > ticks_since(cell, other));
}

/*
 * The direction's cell of the two that its hash names, or else the one that is to become it. False
 * never happens, but the verifier cannot know.
 */
static __always_inline bool find_cell(__u64 hash, struct cell *out_cell)
{
	__u32 index = hash & (FLOW_CELLS - 1);
	__u32 beside = index ^ 1;
	__u64 now = bpf_jiffies64() >> FLOW_TICK_SHIFT & CELL_TIME_MASK;
	__u64 *other;

	*out_cell = (struct cell){
		.at = bpf_map_lookup_elem(&flows, &index),
		.tag = hash >> CELL_TAG_SHIFT << CELL_TAG_SHIFT,
		.now = now << CELL_TIME_SHIFT,
	};
	if (out_cell->at == NULL || is_of(out_cell, *out_cell->at)) {
		return out_cell->at != NULL;
	}
	other = bpf_map_lookup_elem(&flows, &beside);
	if (other != NULL &&
	    (is_of(out_cell, *other) || is_older(out_cell, *other, *out_cell->at))) {
		out_cell->at = other;
	}
	return true;
}

/*
 * In one place and both at once: else the compiler makes one place in the map's entry of two, and
 * without CAP_PERFMON the verifier does not like places that depend.
 */
static __always_inline void count_events(const struct cell *cell)
{
	__u32 key = 0;
	struct filter_events *events;

	if (!cell->is_displacing && !cell->is_unknown) {
		return;
	}
	events = bpf_map_lookup_elem(&counters, &key);
	if (events != NULL) {
		events->flows_displaced += cell->is_displacing;
		events->flows_unknown += cell->is_unknown;
	}
}

/* The direction begins, or begins anew, whoever has the cell. */
static __always_inline void begin(struct cell *cell, __u32 used)
{
	__u64 old = *cell->at;

	cell->is_displacing = old != 0 && !is_of(cell, old) && is_within_window(cell, old);
	*cell->at = cell->tag | cell->now | used;
}

/* Returns the units that had been used; of a direction that did not begin here, all of them. */
static __always_inline __u32 spend(struct cell *cell, __u32 payload_bytes)
{
	__u64 old = *cell->at;
	__u32 used = old & BUDGET_USED_MAX;

	if (!is_of(cell, old)) {
		cell->is_unknown = true;
		return BUDGET_USED_MAX;
	}
	__u64 new = cell->tag | cell->now | budget_add(used, payload_bytes);

	if (new != old) {
		*cell->at = new;
	}
	return used;
}

/* The same for what begins by itself, once in each window: its time is that of the beginning. */
static __always_inline __u32 spend_window(struct cell *cell, __u32 payload_bytes)
{
	__u64 old = *cell->at;
	__u32 used = old & BUDGET_USED_MAX;

	if (!is_of(cell, old) || !is_within_window(cell, old)) {
		begin(cell, budget_add(0, payload_bytes));
		return 0;
	}
	if (used < BUDGET_USED_MAX) {
		*cell->at = (old - used) | budget_add(used, payload_bytes);
	}
	return used;
}

static __always_inline __u32 use_cell(struct cell *cell, __u32 frame_class, __u32 payload_bytes)
{
	switch (frame_class) {
	case FRAME_CLASS_TCP_SYN:
	case FRAME_CLASS_TCP_SYNACK:
		begin(cell, 0);
		return 0;
	case FRAME_CLASS_TCP_ACK_DATA:
	case FRAME_CLASS_TCP_ACK_DNS:
		return spend(cell, payload_bytes);
	default:
		return spend_window(cell, payload_bytes);
	}
}

/* What a frame does to the cell of its direction; returns the units used before it. */
static __always_inline __u32 use_flow(__u64 hash, __u32 frame_class, __u32 payload_bytes)
{
	struct cell cell;
	__u32 used;

	if (!find_cell(hash, &cell)) {
		return 0;
	}
	used = use_cell(&cell, frame_class, payload_bytes);
	count_events(&cell);
	return used;
}

static __always_inline bool has_flow(__u32 frame_class)
{
	return frame_class == FRAME_CLASS_TCP_SYN || frame_class == FRAME_CLASS_TCP_SYNACK ||
	       has_budget(frame_class);
}

/* ---- The verdict ---- */

static __always_inline const struct filter_settings *find_settings(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&settings, &key);
}

/* Settings change while they are read; and see count_events(). */
#define READ_ONCE(member) (*(const volatile __typeof__(member) *)&(member))

static __always_inline __u32 budget_of(const struct filter_settings *set, __u32 frame_class)
{
	__u32 tcp_budget = READ_ONCE(set->tcp_budget);
	__u32 udp_budget = READ_ONCE(set->udp_budget);

	if (!has_budget(frame_class)) {
		return BUDGET_ALL;
	}
	return frame_class == FRAME_CLASS_UDP ? udp_budget : tcp_budget;
}

/*
 * Counts the frame, and returns how many bytes of it are kept: none or all. All four counters are
 * written, see count_events().
 */
static __always_inline int finish(const struct __sk_buff *skb, const struct filter_settings *set,
                                  __u32 frame_class, __u32 used)
{
	__u32 index = frame_class * USED_COUNTS + used;
	struct class_counter *counter = bpf_map_lookup_elem(&classes, &index);

	if (counter == NULL) {
		return -1; /* never, but the verifier cannot know */
	}
	__u64 is_kept =
		(set->keep_classes >> frame_class & 1) != 0 && used < budget_of(set, frame_class);

	counter->kept += is_kept;
	counter->dropped += !is_kept;
	counter->kept_bytes += is_kept ? skb->len : 0;
	counter->dropped_bytes += is_kept ? 0 : skb->len;
	return is_kept ? -1 : 0;
}

/* ---- Classes ---- */

static __always_inline __u32 tcp_class(const __u8 *header, bool has_payload)
{
	if (header[12] >> 4 < TCP_BYTES / 4) {
		return FRAME_CLASS_SHORT;
	}
	switch (header[13] & (TCP_ACK | TCP_RST | TCP_SYN | TCP_FIN)) {
	case TCP_ACK:
		if (!has_payload) {
			return FRAME_CLASS_TCP_ACK_EMPTY;
		}
		return be16(header) == 53 || be16(header + 2) == 53 ? FRAME_CLASS_TCP_ACK_DNS
		                                                    : FRAME_CLASS_TCP_ACK_DATA;
	case TCP_SYN:
		return FRAME_CLASS_TCP_SYN;
	case TCP_SYN | TCP_ACK:
		return FRAME_CLASS_TCP_SYNACK;
	case TCP_FIN:
	case TCP_FIN | TCP_ACK:
		return FRAME_CLASS_TCP_FIN;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return FRAME_CLASS_TCP_RST;
	default:
		return FRAME_CLASS_TCP_ODD;
	}
}

static __always_inline __u32 udp_class(__u16 sport, __u16 dport)
{
	if (is_dns_port(sport) || is_dns_port(dport)) {
		return FRAME_CLASS_UDP_DNS;
	}
	if (is_dhcp_port(sport) || is_dhcp_port(dport)) {
		return FRAME_CLASS_UDP_DHCP;
	}
	return is_control_port(sport) || is_control_port(dport) ? FRAME_CLASS_UDP_CONTROL
	                                                        : FRAME_CLASS_UDP;
}

static __always_inline __u32 icmp_class(__u8 type)
{
	const __u32 errors = 1u << 3 | 1u << 4 | 1u << 5 | 1u << 11 | 1u << 12;

	return type < 32 && (errors >> type & 1) != 0 ? FRAME_CLASS_ICMP_ERROR : FRAME_CLASS_ICMP;
}

static __always_inline __u32 icmp6_class(__u8 type)
{
	if (type >= 1 && type <= 4) {
		return FRAME_CLASS_ICMP6_ERROR;
	}
	return type >= 133 && type <= 137 ? FRAME_CLASS_ICMP6_ND : FRAME_CLASS_ICMP6;
}

/* ---- Walking ---- */

/* No class: the packet is a tunnel, and the one inside it has not been read yet. */
#define CLASS_OF_INNER FRAME_CLASS_COUNT

/* What was found of a packet that belongs to a flow, beside its class. */
struct finding {
	__u32 ports; /* as on the wire */
	__u32 payload_bytes;
};

static __always_inline __u32 payload_bytes(const struct packet *p, __u32 header_len)
{
	return p->len > header_len ? p->len - header_len : 0;
}

static __always_inline bool has_payload(const struct __sk_buff *skb, const struct packet *p,
                                        __u32 header_len)
{
	struct place end = p->at;
	__u8 byte;

	if (p->has_len) {
		return p->len > header_len;
	}
	end.offset += header_len;
	return load(skb, &end, &byte, sizeof(byte));
}

static __always_inline __u32 find_tcp(const struct __sk_buff *skb, const struct packet *p,
                                      struct finding *f)
{
	__u8 header[TCP_BYTES] __attribute__((aligned(4)));

	if (!load(skb, &p->at, header, sizeof(header))) {
		return FRAME_CLASS_SHORT;
	}
	__u32 header_len = (__u32)(header[12] >> 4) * 4;

	__builtin_memcpy(&f->ports, header, sizeof(f->ports));
	f->payload_bytes = payload_bytes(p, header_len);
	return tcp_class(header, has_payload(skb, p, header_len));
}

static __always_inline __u32 class_of_tunnel(enum tunnel tunnel, __u32 class_of_none)
{
	switch (tunnel) {
	case TUNNEL_NONE:
		return class_of_none;
	case TUNNEL_SHORT:
		return FRAME_CLASS_SHORT;
	case TUNNEL_CLOSED:
		return FRAME_CLASS_TUNNEL;
	default:
		return CLASS_OF_INNER;
	}
}

static __always_inline __u32 find_udp(const struct __sk_buff *skb, struct packet *p,
                                      struct finding *f)
{
	__u8 header[PORTS_BYTES] __attribute__((aligned(4)));

	if (!load(skb, &p->at, header, sizeof(header))) {
		return FRAME_CLASS_SHORT;
	}
	__u16 sport = be16(header);
	__u16 dport = be16(header + 2);
	__u32 frame_class = udp_class(sport, dport);

	__builtin_memcpy(&f->ports, header, sizeof(f->ports));
	f->payload_bytes = payload_bytes(p, UDP_BYTES);
	if (frame_class != FRAME_CLASS_UDP) {
		return frame_class;
	}
	return class_of_tunnel(enter_udp(skb, p, sport, dport), FRAME_CLASS_UDP);
}

static __always_inline __u32 find_icmp(const struct __sk_buff *skb, const struct packet *p)
{
	__u8 type;

	if (!load(skb, &p->at, &type, sizeof(type))) {
		return FRAME_CLASS_SHORT;
	}
	return p->is_v6 ? icmp6_class(type) : icmp_class(type);
}

static __always_inline __u32 find_upper(const struct __sk_buff *skb, struct packet *p,
                                        struct finding *f)
{
	if (p->proto == PROTO_TCP) {
		return find_tcp(skb, p, f);
	}
	if (p->proto == PROTO_UDP) {
		return find_udp(skb, p, f);
	}
	if (p->proto == (p->is_v6 ? PROTO_ICMP6 : PROTO_ICMP)) {
		return find_icmp(skb, p);
	}
	return class_of_tunnel(enter_ip(skb, p), FRAME_CLASS_IP_OTHER);
}

static __always_inline __u32 class_of_ethertype(__u32 ethertype)
{
	if (ethertype == ETHERTYPE_ARP) {
		return FRAME_CLASS_ARP;
	}
	return ethertype < ETHERTYPE_FIRST || ethertype == ETHERTYPE_PPPOE ? FRAME_CLASS_LLC
	                                                                   : FRAME_CLASS_L2_OTHER;
}

/* Walks one packet, from its link headers on. */
static __noinline __u32 find_class(const struct __sk_buff *skb, struct packet *p, struct finding *f)
{
	if (!read_link(skb, p)) {
		return FRAME_CLASS_SHORT;
	}
	if (!is_ip(p->ethertype)) {
		return class_of_ethertype(p->ethertype);
	}
	switch (read_ip(skb, p)) {
	case REACH_UPPER:
		return find_upper(skb, p, f);
	case REACH_FRAGMENT:
		return FRAME_CLASS_FRAGMENT;
	default:
		return FRAME_CLASS_SHORT;
	}
}

/* ---- The programs ---- */

/* Is it one of the first frames of its tunnel? p is that of the outer addresses still. */
static __always_inline bool begins_tunnel(const struct packet *p)
{
	__u64 hash = hash_direction(p->addresses, p->is_v6, 0, KIND_TUNNEL);

	return use_flow(hash, FRAME_CLASS_TUNNEL, 1) < TUNNEL_BUDGET;
}

/* Whatever passer_filter does not take the short way, and that too. */
SEC("socket")
int passer_filter_walk(struct __sk_buff *skb)
{
	const struct filter_settings *set = find_settings();
	struct packet p;
	struct finding f = {.ports = 0};
	__u32 used = 0;
	bool is_beginning = false;

	if (set == NULL) {
		return -1;
	}
	begin_packet(skb, true, &p);
	__u32 frame_class = find_class(skb, &p, &f);

	if (frame_class == CLASS_OF_INNER) {
		is_beginning = begins_tunnel(&p);
		frame_class = find_class(skb, &p, &f);
		if (frame_class == CLASS_OF_INNER) {
			frame_class = FRAME_CLASS_TUNNEL; /* in a tunnel */
		}
	}
	if (has_flow(frame_class)) {
		__u64 hash = hash_direction(p.addresses, p.is_v6, f.ports, p.proto);

		used = use_flow(hash, frame_class, f.payload_bytes);
	}
	return is_beginning ? finish(skb, set, FRAME_CLASS_TUNNEL, 0)
	                    : finish(skb, set, frame_class, used);
}

/* ---- The short way ---- */

/* A packet of TCP or UDP that nothing stands before but one IP header of the shortest kind. */
struct plain {
	const __u32 *addresses;
	const __u8 *upper;
	__u32 is_v6;
	__u32 proto;
	__u32 len; /* of the upper header and its payload */
};

static __always_inline bool read_plain_ipv4(const struct __sk_buff *skb, __u8 *ip,
                                            struct plain *out_plain)
{
	if (bpf_skb_load_bytes_relative(skb, 0, ip, IPV4_BYTES + TCP_BYTES, BPF_HDR_START_NET) !=
	            0 ||
	    ip[0] != IPV4_WITHOUT_OPTIONS || be16(ip + 2) < IPV4_BYTES ||
	    (be16(ip + 6) & IPV4_OFFSET) != 0) {
		return false;
	}
	*out_plain = (struct plain){
		.addresses = (const __u32 *)(ip + 12),
		.upper = ip + IPV4_BYTES,
		.is_v6 = false,
		.proto = ip[9],
		.len = be16(ip + 2) - IPV4_BYTES,
	};
	return true;
}

static __always_inline bool read_plain_ipv6(const struct __sk_buff *skb, __u8 *ip,
                                            struct plain *out_plain)
{
	if (bpf_skb_load_bytes_relative(skb, 0, ip, IPV6_BYTES + TCP_BYTES, BPF_HDR_START_NET) !=
	            0 ||
	    ip[0] >> 4 != 6 || be16(ip + 4) == 0) {
		return false;
	}
	*out_plain = (struct plain){
		.addresses = (const __u32 *)(ip + 8),
		.upper = ip + IPV6_BYTES,
		.is_v6 = true,
		.proto = ip[6],
		.len = be16(ip + 4),
	};
	return true;
}

/* CLASS_OF_INNER where more has to be read than was. */
static __always_inline __u32 plain_class(const struct plain *plain, __u32 *out_payload_bytes)
{
	__u16 sport = be16(plain->upper);
	__u16 dport = be16(plain->upper + 2);
	__u32 header_len = UDP_BYTES;
	__u32 frame_class = CLASS_OF_INNER;

	if (plain->proto == PROTO_TCP) {
		header_len = (__u32)(plain->upper[12] >> 4) * 4;
		frame_class = tcp_class(plain->upper, plain->len > header_len);
	} else if (plain->proto == PROTO_UDP && !is_tunnel_port(sport, dport)) {
		frame_class = udp_class(sport, dport);
	}
	*out_payload_bytes = plain->len > header_len ? plain->len - header_len : 0;
	return frame_class;
}

/* False when it is not plain. */
static __always_inline bool filter_plain(const struct __sk_buff *skb,
                                         const struct filter_settings *set,
                                         const struct plain *plain, int *out_verdict)
{
	__u32 payload_bytes;
	__u32 frame_class = plain_class(plain, &payload_bytes);
	__u32 used = 0;

	if (frame_class == CLASS_OF_INNER) {
		return false;
	}
	if (has_flow(frame_class)) {
		__u32 ports = *(const __u32 *)plain->upper;
		__u64 hash = hash_direction(plain->addresses, plain->is_v6, ports, plain->proto);

		used = use_flow(hash, frame_class, payload_bytes);
	}
	*out_verdict = finish(skb, set, frame_class, used);
	return true;
}

SEC("socket")
int passer_filter(struct __sk_buff *skb)
{
	const struct filter_settings *set = find_settings();
	__u8 ip[IPV6_BYTES + TCP_BYTES] __attribute__((aligned(8)));
	struct plain plain;
	int verdict;

	if (set == NULL) {
		return -1;
	}
	/* Whatever goes over the loopback interface passes twice, first as outgoing. */
	if (skb->pkt_type == PACKET_OUTGOING && skb->ifindex == set->loopback_ifindex) {
		return 0;
	}
	__u16 ethertype = bpf_ntohs((__u16)skb->protocol);

	if (ethertype == ETHERTYPE_IPV4 && read_plain_ipv4(skb, ip, &plain) &&
	    filter_plain(skb, set, &plain, &verdict)) {
		return verdict;
	}
	if (ethertype == ETHERTYPE_IPV6 && read_plain_ipv6(skb, ip, &plain) &&
	    filter_plain(skb, set, &plain, &verdict)) {
		return verdict;
	}
	bpf_tail_call(skb, &programs, 0);
	return finish(skb, set, FRAME_CLASS_SHORT, 0); /* only where the kernel refuses it */
}
