/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/registry.h>

#include <stdlib.h>

#define ANALYZER(name, about) extern const struct analyzer analyzer_##name;
#include "analyzers.def"
#undef ANALYZER

static const struct analyzer_row rows[] = {
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
};

const struct analyzer_row *analyzer_rows(size_t *out_count)
{
	*out_count = ROW_COUNT;
	return rows;
}

struct dispatch *dispatch_new(void)
{
	struct dispatch *d = calloc(1, sizeof(*d));

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
	free(dispatch);
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
	while (wanted != 0 && verdict == VERDICT_PASSED) {
		unsigned i = (unsigned)__builtin_ctz(wanted);

		wanted &= wanted - 1;
		verdict = rows[i].analyzer->run(pkt, ctx);
	}
	return verdict;
}
