/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "memory.h"

#include "stats.h"

#include <passer/analyzers/registry.h>
#include <passer/base/shm.h>
#include <passer/output/pcapdump.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* ---- What has a fixed size --------------------------------------------------------------------
 */

static uint64_t of_workers(const struct options *o, unsigned workers)
{
	(void)o;
	return workers * (uint64_t)shm_whole_pages(sizeof(struct worker_shared));
}

static uint64_t of_matchers(const struct options *o, unsigned workers)
{
	(void)o;
	return workers * (uint64_t)shm_whole_pages(service_matcher_bytes());
}

static uint64_t of_recent(const struct options *o, unsigned workers)
{
	(void)o;
	(void)workers;
	return shm_whole_pages(sizeof(struct health_recent));
}

static uint64_t of_dispatch(const struct options *o, unsigned workers)
{
	(void)o;
	(void)workers;
	return shm_whole_pages(dispatch_bytes()) + shm_whole_pages(sizeof(o->selection));
}

static uint64_t of_dumps(const struct options *o, unsigned workers)
{
	bool is_one = o->unhandled_path != NULL && o->dump_path != NULL &&
	              strcmp(o->unhandled_path, o->dump_path) == 0;
	unsigned count = is_one ? 1 : (o->unhandled_path != NULL) + (o->dump_path != NULL);

	return count * (uint64_t)shm_whole_pages(pcapdump_bytes(workers)) +
	       shm_whole_pages(pcapdump_bytes(1));
}

static const struct {
	const char *name;
	uint64_t (*bytes)(const struct options *o, unsigned workers);
} fixed[] = {
	{"lines and counters", of_workers},   {"product patterns", of_matchers},
	{"segments heard lately", of_recent}, {"dispatch", of_dispatch},
	{"packets for files", of_dumps}, /* of -u, -s and --quarantine */
};

#define FIXED_COUNT (sizeof(fixed) / sizeof(fixed[0]))

_Static_assert(WORKERS_MAX <= PCAPDUMP_WRITERS_MAX, "each worker may write to a dump");
_Static_assert(LEDGER_TABLE_COUNT + FIXED_COUNT <= MEMORY_PARTS_MAX, "raise MEMORY_PARTS_MAX");

static uint64_t fixed_bytes(const struct options *o, unsigned workers)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FIXED_COUNT; i++) {
		sum += fixed[i].bytes(o, workers);
	}
	return sum;
}

/* ---- The plan ---------------------------------------------------------------------------------
 */

static void add_part(struct memory_plan *plan, struct memory_part part)
{
	plan->parts[plan->part_count++] = part;
	plan->bytes += part.bytes;
}

static void add_parts(struct memory_plan *plan, const struct options *o, unsigned workers)
{
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		enum ledger_table table = (enum ledger_table)i;
		unsigned copies = ledger_table_copies(table, workers);
		size_t entries = plan->sizes.capacities[i];

		add_part(plan, (struct memory_part){
				       .name = ledger_table_name(table),
				       .entries = entries,
				       .copies = copies,
				       .bytes = copies * ledger_table_bytes(table, entries),
			       });
	}
	for (size_t i = 0; i < FIXED_COUNT; i++) {
		add_part(plan, (struct memory_part){
				       .name = fixed[i].name,
				       .copies = 1,
				       .bytes = fixed[i].bytes(o, workers),
			       });
	}
}

int memory_plan(const struct options *options, unsigned workers, struct memory_plan *out_plan,
                struct err *err)
{
	uint64_t fixed_part = fixed_bytes(options, workers);
	uint64_t least = fixed_part + ledger_sizes_least(workers);
	uint64_t for_tables =
		options->memory_bytes > fixed_part ? options->memory_bytes - fixed_part : 0;

	*out_plan = (struct memory_plan){
		.sizes = ledger_sizes_default(),
		.ring_bytes = (uint64_t)workers * options->ring_bytes,
	};
	if (options->memory_bytes != 0 &&
	    !ledger_sizes_fit(for_tables, workers, &out_plan->sizes)) {
		return err_set(err, -EINVAL,
		               "--memory %" PRIu64
		               ": too little for %u worker%s; the least is %" PRIu64,
		               options->memory_bytes / MIB, workers, workers == 1 ? "" : "s",
		               (least + MIB - 1) / MIB);
	}
	add_parts(out_plan, options, workers);
	return 0;
}

void memory_print(const struct memory_plan *plan, FILE *out)
{
	for (unsigned i = 0; i < plan->part_count; i++) {
		const struct memory_part *p = &plan->parts[i];

		fprintf(out, "      %-21s %9.2f MiB", p->name, (double)p->bytes / (double)MIB);
		if (p->entries > 0) {
			fprintf(out, "  %10" PRIu64 " entries", p->entries);
		}
		fprintf(out, p->copies > 1 ? " in each of %u\n" : "\n", p->copies);
	}
}
