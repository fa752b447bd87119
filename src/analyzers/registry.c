/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/registry.h>
#include <passer/base/shm.h>

#define ANALYZER(name, about) extern const struct analyzer analyzer_##name;
#include "analyzers.def"
#undef ANALYZER
extern const struct analyzer analyzer_fault;

static const struct analyzer_row rows[] = {
#if PASSER_FAULTS
	{&analyzer_fault, "harm on request, for tests"}, /* first: no other one ends the matter */
#endif
#define ANALYZER(name, about) {&analyzer_##name, about},
#include "analyzers.def"
#undef ANALYZER
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT <= ANALYZERS_MAX, "raise ANALYZERS_MAX and the width of the bit sets");

struct dispatch {
	uint32_t by_layer[LAYER_COUNT];   /* analyzers that want every packet of a layer */
	uint32_t by_port[UINT16_MAX + 1]; /* analyzers that want a port, of whatever layer */
	uint32_t of_layer[LAYER_COUNT];   /* all analyzers of a layer */
	uint32_t off;                     /* those that are not run any more */
};

const struct analyzer_row *analyzer_rows(size_t *out_count)
{
	*out_count = ROW_COUNT;
	return rows;
}

size_t dispatch_bytes(void)
{
	return sizeof(struct dispatch);
}

struct dispatch *dispatch_new(void)
{
	struct dispatch *d = shm_new(sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	for (unsigned i = 0; i < ROW_COUNT; i++) {
		const struct analyzer *a = rows[i].analyzer;
		uint32_t bit = UINT32_C(1) << i;

		if (a->match.layer == MATCH_ALL_LAYERS) {
			for (int layer = 0; layer < LAYER_COUNT; layer++) {
				d->by_layer[layer] |= bit;
			}
			continue;
		}
		d->of_layer[a->match.layer] |= bit;
		if (a->match.ports[0] == 0) {
			d->by_layer[a->match.layer] |= bit;
		}
		for (int p = 0; p < ANALYZER_PORTS_MAX && a->match.ports[p] != 0; p++) {
			d->by_port[a->match.ports[p]] |= bit;
		}
	}
	return d;
}

void dispatch_free(struct dispatch *dispatch)
{
	shm_free(dispatch, sizeof(*dispatch));
}

void dispatch_switch_off(struct dispatch *dispatch, unsigned row)
{
	__atomic_fetch_or(&dispatch->off, UINT32_C(1) << row, __ATOMIC_RELAXED);
}

bool dispatch_is_off(const struct dispatch *dispatch, unsigned row)
{
	return (__atomic_load_n(&dispatch->off, __ATOMIC_RELAXED) >> row & 1) != 0;
}

/* Told before it runs, so that a death is known to be its. */
static void note_running(const struct analyzer_ctx *ctx, uint32_t row)
{
	if (ctx->running != NULL) {
		__atomic_store_n(ctx->running, row, __ATOMIC_RELAXED);
	}
}

enum verdict dispatch_run(const struct dispatch *dispatch, const struct pkt *pkt,
                          struct analyzer_ctx *ctx)
{
	uint32_t wanted = dispatch->by_layer[pkt->layer];
	enum verdict verdict = VERDICT_PASSED;

	if (pkt->layer == LAYER_UDP || pkt->layer == LAYER_TCP) {
		wanted |= (dispatch->by_port[pkt->sport] | dispatch->by_port[pkt->dport]) &
		          dispatch->of_layer[pkt->layer];
	}
	wanted &= ~__atomic_load_n(&dispatch->off, __ATOMIC_RELAXED);
	while (wanted != 0 && verdict == VERDICT_PASSED) {
		unsigned i = (unsigned)__builtin_ctz(wanted);

		wanted &= wanted - 1;
		note_running(ctx, i + 1);
		verdict = rows[i].analyzer->run(pkt, ctx);
	}
	note_running(ctx, 0);
	return verdict;
}
