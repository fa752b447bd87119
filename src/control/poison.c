/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames that kill the worker that analyses them, or keep it busy for too long. They are kept for
 * those who mend passer; an analyzer in which workers die again and again is switched off.
 *
 * A SIGKILL that did not come from here says nothing about the frame that was in work, nor does a
 * limit of CPU time.
 */
#include "hang.h"
#include "sensor.h"

#include <passer/analyzers/registry.h>
#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <signal.h>
#include <sys/wait.h>

/* For those whose own watch has failed (hang.h): so late that it does not come before that. */
#define FRAME_CPU_MAX_NS (2 * HANG_CPU_MAX_MS * NS_PER_MS)
#define DEATHS_WITHIN_NS (60 * NS_PER_S)

/* ---- Who it was ---- */

static bool has_hung(const struct worker_slot *slot, int status)
{
	bool is_noted = __atomic_load_n(&slot->shared->has_hung, __ATOMIC_ACQUIRE) != 0;

	return slot->is_hung ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == HANG_SIGNAL && is_noted);
}

/* RLIMIT_CPU: it has worked much, over all its frames. */
static bool is_out_of_cpu_time(const struct worker_slot *slot, int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU && !has_hung(slot, status);
}

bool poison_is_from_outside(const struct worker_slot *slot, int status)
{
	return !slot->is_hung && WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGKILL || is_out_of_cpu_time(slot, status));
}

static bool is_by_itself(const struct worker_slot *slot, int status)
{
	return !poison_is_from_outside(slot, status) &&
	       (WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

/* The one that was running; NULL: none, the frame was being decoded or counted. */
static const struct analyzer *culprit(const struct worker_slot *slot, unsigned *out_row)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);
	uint32_t running = __atomic_load_n(&slot->shared->running, __ATOMIC_RELAXED);

	if (running == 0 || running > count) {
		return NULL;
	}
	*out_row = running - 1;
	return rows[running - 1].analyzer;
}

/* Was it one death too many within the time? */
static bool is_too_often(struct analyzer_deaths *deaths)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t *oldest = &deaths->at_ns[deaths->count % ANALYZER_DEATHS_MAX];
	uint64_t next = deaths->at_ns[(deaths->count + 1) % ANALYZER_DEATHS_MAX];

	*oldest = now;
	deaths->count++;
	return deaths->count >= ANALYZER_DEATHS_MAX && now - next < DEATHS_WITHIN_NS;
}

static void blame(struct supervisor *s, const struct analyzer *analyzer, unsigned row)
{
	if (is_too_often(&s->deaths[row]) && !dispatch_is_off(s->dispatch, row)) {
		dispatch_switch_off(s->dispatch, row);
		log_warn("analyzer %s: %d workers died in it within a minute; it is switched off "
		         "until the sensor is started again, all others go on",
		         analyzer->name, ANALYZER_DEATHS_MAX);
	}
}

/* ---- The frame ---- */

const char *poison_keep(const struct supervisor *s, const struct frame *frame)
{
	struct pcapdump_counters before, now;

	if (s->quarantine == NULL) {
		return NULL;
	}
	before = pcapdump_counters(s->quarantine);
	pcapdump_write(s->quarantine, 0, frame);
	pcapdump_flush(s->quarantine, 0);
	now = pcapdump_counters(s->quarantine);
	if (now.frames <= before.frames || now.lost != before.lost) {
		return NULL;
	}
	return now.waiting > 0 ? "waits to be written to" : "is in";
}

static const char *keep_frame(const struct supervisor *s, const struct ring *ring)
{
	struct frame frame;

	return ring_frame_in_work(ring, &frame) ? poison_keep(s, &frame) : NULL;
}

/* Of a capture file, which only a reader can open: the next one keeps it. */
static bool take_file_frame(const struct supervisor *s, unsigned i, bool is_poison)
{
	struct file_progress *file = &s->slots[i].shared->file;

	file->must_keep = file->is_in_work != 0 && is_poison && s->quarantine != NULL;
	return file->is_in_work != 0;
}

/*
 * Looks at the ring that was being walked. False when no frame was in work. *out_kept is what
 * poison_keep() says.
 */
static bool take_frame(struct supervisor *s, unsigned i, bool is_poison, const char **out_kept)
{
	bool was_in_work = take_file_frame(s, i, is_poison);

	*out_kept = NULL;
	for (unsigned k = 0; k < s->interfaces.count; k++) {
		const struct ring_progress *progress = &s->slots[i].shared->progress[k];
		const struct ring *ring = s->interfaces.list[k].rings[i];

		if (ring != NULL && progress->is_in_work != 0) {
			was_in_work = true;
			*out_kept =
				is_poison && *out_kept == NULL ? keep_frame(s, ring) : *out_kept;
		}
	}
	return was_in_work;
}

const char *poison_path(const struct supervisor *s)
{
	return s->options->quarantine_path != NULL ? s->options->quarantine_path
	                                           : QUARANTINE_DEFAULT_PATH;
}

/* "; the packet is in FILE" */
static void tell_kept(const struct supervisor *s, const char *kept, struct text *how)
{
	if (kept != NULL) {
		text_add(how, "; the packet ");
		text_add(how, kept);
		text_add(how, " ");
		text_add(how, poison_path(s));
	}
}

void poison_on_death(struct supervisor *s, unsigned i, int status, struct text *how)
{
	struct worker_slot *slot = &s->slots[i];
	bool is_poison = is_by_itself(slot, status);
	const char *kept;
	unsigned row = 0;
	const struct analyzer *analyzer = culprit(slot, &row);

	is_poison = take_frame(s, i, is_poison, &kept) && is_poison;
	if (is_out_of_cpu_time(slot, status)) {
		text_add(how, ", for its CPU time is used up (ulimit -t)");
	}
	if (is_poison) {
		slot->poisonous++;
		text_add(how, has_hung(slot, status) ? " since it hung on a packet, "
		                                     : " on a packet, ");
		text_add(how, analyzer != NULL ? "in the analyzer " : "in no analyzer");
		text_add(how, analyzer != NULL ? analyzer->name : "");
		tell_kept(s, kept, how);
	}
	if (is_poison && analyzer != NULL) {
		blame(s, analyzer, row);
	}
}

void poison_forget(struct supervisor *s, unsigned i)
{
	struct worker_slot *slot = &s->slots[i];

	for (unsigned k = 0; k < s->interfaces.count; k++) {
		slot->shared->progress[k].is_in_work = 0;
	}
	slot->shared->file.is_in_work = 0;
	slot->shared->running = 0;
	slot->shared->has_hung = 0;
	slot->is_hung = false;
	slot->watch = (struct frame_watch){.frames = 0};
}

/* ---- The watchdog ---- */

static bool is_in_work(const struct supervisor *s, unsigned i)
{
	bool found = false;

	for (unsigned k = 0; k < s->interfaces.count; k++) {
		found |= s->slots[i].shared->progress[k].is_in_work != 0;
	}
	return found;
}

/* CPU time, not time: who stands still, or waits for a CPU, does not hang. */
void poison_watch(struct supervisor *s)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_slot *slot = &s->slots[i];
		uint64_t frames = interfaces_handed_out(&s->interfaces, i);
		uint64_t cpu_ns = gather_cpu_ns(slot->pid);

		if (slot->pid == 0 || frames != slot->watch.frames || !is_in_work(s, i)) {
			slot->watch = (struct frame_watch){.frames = frames, .cpu_ns = cpu_ns};
		} else if (cpu_ns >= slot->watch.cpu_ns + FRAME_CPU_MAX_NS && !slot->is_hung) {
			slot->is_hung = true;
			kill(slot->pid, SIGKILL);
		}
	}
}
