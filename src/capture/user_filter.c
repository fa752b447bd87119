/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user_filter.h"

#include "bpflog.h"
#include "cbpf.h"
#include "syserr.h"

#include <passer/bpf_abi.h>
#include <passer/capture/expression.h>
#include <passer/capture/link.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define LINKS_MAX 4096 /* interfaces that are told apart; frames of others pass */
#define AT_KEY    (-CBPF_STACK_BYTES - 8)

struct user_filter {
	int program;
	int next;  /* BPF_MAP_TYPE_PROG_ARRAY, one entry: passer_filter */
	int links; /* enum link_type by ifindex; -1: one interface */
};

/* Kinds of interfaces that a ring on all of them asks about. */
static const enum link_type asked_links[] = {LINK_ETHERNET, LINK_RAW_IP};

#define ASKED_LINKS (sizeof(asked_links) / sizeof(asked_links[0]))

/* ---- The program ---- */

struct exits {
	struct ebpf_label keep;
	struct ebpf_label verdict; /* R0: what the expression says */
};

static void emit_lookup(struct ebpf_code *code, int map)
{
	ebpf_load_map(code, BPF_REG_1, map);
	ebpf_alu(code, BPF_MOV, BPF_REG_2, BPF_REG_10);
	ebpf_alu_imm(code, BPF_ADD, BPF_REG_2, AT_KEY);
	ebpf_call(code, BPF_FUNC_map_lookup_elem);
}

static void emit_load_field(struct ebpf_code *code, uint8_t dst, size_t field)
{
	ebpf_load(code, BPF_W, dst, BPF_REG_6, (int)field);
}

/* *(R0 + offset) += R2 */
static void emit_add(struct ebpf_code *code, size_t offset)
{
	ebpf_load(code, BPF_DW, BPF_REG_1, BPF_REG_0, (int)offset);
	ebpf_alu(code, BPF_ADD, BPF_REG_1, BPF_REG_2);
	ebpf_store(code, BPF_DW, BPF_REG_0, (int)offset, BPF_REG_1);
}

static void emit_drop(struct ebpf_code *code, const struct user_filter_config *config)
{
	struct ebpf_label seen = {0}, done = {0};

	/* passer_filter does not count what goes over the loopback interface twice either. */
	emit_load_field(code, BPF_REG_1, offsetof(struct __sk_buff, pkt_type));
	ebpf_jump_imm(code, BPF_JNE, BPF_REG_1, PACKET_OUTGOING, &seen);
	emit_load_field(code, BPF_REG_1, offsetof(struct __sk_buff, ifindex));
	ebpf_jump_imm(code, BPF_JEQ, BPF_REG_1, (int32_t)config->loopback_ifindex, &done);

	ebpf_land(code, &seen);
	ebpf_store_imm(code, BPF_W, BPF_REG_10, AT_KEY, 0);
	emit_lookup(code, config->counters);
	ebpf_jump_imm(code, BPF_JEQ, BPF_REG_0, 0, &done);
	ebpf_alu_imm(code, BPF_MOV, BPF_REG_2, 1);
	emit_add(code, offsetof(struct filter_events, unwanted.dropped));
	emit_load_field(code, BPF_REG_2, offsetof(struct __sk_buff, len));
	emit_add(code, offsetof(struct filter_events, unwanted.dropped_bytes));

	ebpf_land(code, &done);
	ebpf_alu_imm(code, BPF_MOV, BPF_REG_0, 0);
	ebpf_exit(code);
}

/* A tail call returns only when it fails. */
static void emit_keep(struct ebpf_code *code, const struct user_filter *filter)
{
	ebpf_alu(code, BPF_MOV, BPF_REG_1, BPF_REG_6);
	ebpf_load_map(code, BPF_REG_2, filter->next);
	ebpf_alu_imm(code, BPF_MOV, BPF_REG_3, 0);
	ebpf_call(code, BPF_FUNC_tail_call);
	ebpf_alu_imm(code, BPF_MOV, BPF_REG_0, -1);
	ebpf_exit(code);
}

static int emit_expression(struct ebpf_code *code, const char *text, enum link_type link,
                           struct err *err)
{
	struct sock_fprog program;
	int ret = expression_compile(text, link, &program, err);

	if (ret == 0) {
		ret = cbpf_translate(&program, link == LINK_ETHERNET, code, err);
		free(program.filter);
	}
	return ret;
}

/*
 * One program for each kind of interface. A kind that the expression cannot be asked about is left
 * to user space, as is an interface that is new.
 */
static int emit_by_link(struct ebpf_code *code, const struct user_filter *filter,
                        const char *expression, struct exits *exits, struct err *err)
{
	struct err reason;
	int ret = -EINVAL;

	emit_load_field(code, BPF_REG_1, offsetof(struct __sk_buff, ifindex));
	ebpf_store(code, BPF_W, BPF_REG_10, AT_KEY, BPF_REG_1);
	emit_lookup(code, filter->links);
	ebpf_jump_imm(code, BPF_JEQ, BPF_REG_0, 0, &exits->keep);
	ebpf_load(code, BPF_W, BPF_REG_9, BPF_REG_0, 0);
	for (size_t i = 0; i < ASKED_LINKS; i++) {
		struct ebpf_code before = *code;
		struct ebpf_label other = {0};

		ebpf_jump_imm(code, BPF_JNE, BPF_REG_9, (int32_t)asked_links[i], &other);
		if (emit_expression(code, expression, asked_links[i], &reason) == 0) {
			ebpf_go(code, &exits->verdict);
			ebpf_land(code, &other);
			ret = 0;
		} else {
			*code = before;
		}
	}
	ebpf_go(code, &exits->keep);
	return ret == 0 ? 0 : err_set(err, ret, "%s", reason.text);
}

static int emit_all(struct ebpf_code *code, const struct user_filter *filter,
                    const struct user_filter_config *config, struct err *err)
{
	struct exits exits = {0};
	int ret;

	ebpf_alu(code, BPF_MOV, BPF_REG_6, BPF_REG_1);
	ret = filter->links >= 0 ? emit_by_link(code, filter, config->expression, &exits, err)
	                         : emit_expression(code, config->expression, config->link, err);
	ebpf_land(code, &exits.verdict);
	ebpf_jump_imm(code, BPF_JNE, BPF_REG_0, 0, &exits.keep);
	emit_drop(code, config);
	ebpf_land(code, &exits.keep);
	emit_keep(code, filter);
	return ret == 0 && code->is_full ? err_set(err, -E2BIG, "too long for the kernel") : ret;
}

/* ---- Loading ---- */

static int make_next(struct user_filter *f, const struct user_filter_config *config,
                     struct err *err)
{
	const uint32_t key = 0;

	f->next = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "passer_next", sizeof(uint32_t),
	                         sizeof(uint32_t), 1, NULL);
	if (f->next < 0 || bpf_map_update_elem(f->next, &key, &config->next, BPF_ANY) != 0) {
		return syserr_set(err, -errno, "map of the filter expression");
	}
	return 0;
}

static void note_link(void *user, const struct link_info *link)
{
	const struct user_filter *f = user;
	const uint32_t key = link->ifindex;
	const uint32_t type = link_type_of(link->hatype);

	/* One that has no room is like one that is new. */
	(void)bpf_map_update_elem(f->links, &key, &type, BPF_ANY);
}

static int make_links(struct user_filter *f, const struct user_filter_config *config,
                      struct err *err)
{
	int ret;

	if (config->link != LINK_UNKNOWN) {
		return 0;
	}
	f->links = bpf_map_create(BPF_MAP_TYPE_HASH, "passer_links", sizeof(uint32_t),
	                          sizeof(uint32_t), LINKS_MAX, NULL);
	if (f->links < 0) {
		return syserr_set(err, -errno, "map of interfaces");
	}
	ret = link_list(note_link, f);
	return ret != 0 ? syserr_set(err, ret, "list of interfaces") : 0;
}

static int load_program(struct user_filter *f, const struct user_filter_config *config,
                        struct err *err)
{
	struct ebpf_code code;
	int ret = ebpf_init(&code, EBPF_ROOM_MAX);

	if (ret != 0) {
		return syserr_set(err, ret, "filter expression");
	}
	ret = emit_all(&code, f, config, err);
	if (ret == 0) {
		f->program = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "passer_user", "GPL",
		                           code.insns, code.count, NULL);
		if (f->program < 0) {
			ret = syserr_set(err, -errno, "the kernel does not load it");
		}
	}
	ebpf_fini(&code);
	return ret;
}

int user_filter_open(const struct user_filter_config *config, struct user_filter **out_filter,
                     struct err *err)
{
	static int (*const steps[])(struct user_filter *, const struct user_filter_config *,
	                            struct err *) = {make_next, make_links, load_program};
	struct user_filter *f = malloc(sizeof(*f));
	int ret = 0;

	if (f == NULL) {
		return syserr_set(err, -ENOMEM, "filter expression");
	}
	*f = (struct user_filter){.program = -1, .next = -1, .links = -1};
	bpflog_init();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && ret == 0; i++) {
		ret = steps[i](f, config, err);
	}
	if (ret != 0) {
		user_filter_close(f);
		return ret;
	}
	*out_filter = f;
	return 0;
}

void user_filter_close(struct user_filter *filter)
{
	if (filter == NULL) {
		return;
	}
	int fds[] = {filter->program, filter->links, filter->next};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	free(filter);
}

int user_filter_program(const struct user_filter *filter)
{
	return filter->program;
}
