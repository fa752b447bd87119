/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several processes that do the same at once, for what workers share. They wait for each other at
 * the start; a child fails by returning false, and the test with it. To be included behind
 * cmocka.h.
 */
#pragma once

#include <passer/base/shm.h>

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES          4
#define PROCESS_PATIENCE_S 60 /* no test takes so long, but a hanging one shall end */

struct processes {
	pid_t pids[PROCESSES];
	unsigned *ready; /* shared */
};

/* Waits until all have come here for the n-th time, n counted from 1. */
static inline void processes_meet(unsigned *counter, unsigned n)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < n * PROCESSES) {
		sched_yield();
	}
}

static inline void processes_start(struct processes *p, bool (*run)(unsigned number, void *context),
                                   void *context)
{
	p->ready = shm_new(sizeof(*p->ready));
	assert_non_null(p->ready);
	for (unsigned i = 0; i < PROCESSES; i++) {
		p->pids[i] = fork();
		assert_true(p->pids[i] >= 0);
		if (p->pids[i] == 0) {
			alarm(PROCESS_PATIENCE_S);
			processes_meet(p->ready, 1);
			_exit(run(i, context) ? 0 : 1);
		}
	}
}

static inline void processes_wait(struct processes *p)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(p->pids[i], &status, 0), p->pids[i]);
		assert_int_equal(status, 0);
	}
	shm_free(p->ready, sizeof(*p->ready));
}

static inline void processes_run(bool (*run)(unsigned number, void *context), void *context)
{
	struct processes p;

	processes_start(&p, run, context);
	processes_wait(&p);
}
