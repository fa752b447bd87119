/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Readers of a ring that die, in the middle of a frame and anywhere else, and their successors:
 * nothing is lost but the frame in work, and nothing comes twice. Needs root, else skipped.
 */
#include <passer/base/shm.h>

#include "hear.h"
#include "net.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define DEATHS_MAX 1000u

static pid_t begin_reader(const struct listener *l)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		drain(l);
		_exit(0);
	}
	return child;
}

/* Runs readers until one ends by itself. Returns how many died. */
static uint32_t run_readers(const struct listener *l)
{
	uint32_t died = 0;

	for (;;) {
		int status;
		pid_t child = begin_reader(l);

		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return died;
		}
		died++;
		assert_in_range(died, 1, DEATHS_MAX);
	}
}

/* Small blocks, so that death strikes in all parts of them and the ring goes round. */
static struct listener listen_small(size_t ring_bytes_wanted)
{
	struct ring_config config = config_for("veth1", 0);

	config.block_bytes = 4096;
	config.ring_bytes = ring_bytes_wanted;
	return listen_with(&config, 0);
}

static void test_lethal_frames(void **state)
{
	struct listener l = listen_small(4u << 20);
	int s = sender_open("veth0");

	(void)state;
	send_numbers(s, 0, 3000);
	heard->lethal_every = 7;
	assert_int_equal(run_readers(&l), (3000 + 5) / 7);
	expect_each_once(0, 3000);
	assert_int_equal(heard->frames, 3000);
	close(s);
	ring_close(l.ring);
}

/* The ring goes round several times while its readers die and frames come in. */
static void test_lethal_stream(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct listener l = listen_small(1u << 20);
	struct ring_counters counters = {0};
	pid_t stream = begin_stream(at);
	uint32_t died = 0;

	(void)state;
	heard->lethal_every = 500;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		died += run_readers(&l);
	}
	died += run_readers(&l);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	assert_int_equal(died, FRAMES_MAX / 500);
	expect_each_once(0, FRAMES_MAX);
	assert_int_equal(heard->progress[0].frames, FRAMES_MAX);
	assert_int_equal(ring_waiting(l.ring), 0);
	ring_close(l.ring);
	shm_free((void *)at, sizeof(*at));
}

/*
 * Killed from outside, at any instruction: at most the frame in work is lost, none comes twice. The
 * parent kills whenever it likes, and once lets the ring fill up behind the dead.
 */
static void test_killed_anywhere(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct listener l = listen_small(8u << 20);
	struct ring_counters counters = {0};
	pid_t stream = begin_stream(at);
	uint32_t lost = 0, kills = 0;

	(void)state;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		pid_t reader = begin_reader(&l);

		usleep(3000 + kills % 7 * 1111);
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
		kills++;
	}
	run_readers(&l);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		assert_in_range(heard->times[i], 0, 1);
		lost += heard->times[i] == 0;
	}
	assert_in_range(kills, 20, 10000);
	assert_in_range(lost, 0, kills);
	/* One that was killed with a frame in hand had been handed it. */
	assert_int_equal(heard->progress[0].frames, FRAMES_MAX);
	ring_close(l.ring);
	shm_free((void *)at, sizeof(*at));
}

/* The reader dies, the ring runs full, the successor finds the oldest block that waits. */
static void test_killed_then_full(void **state)
{
	struct listener l = listen_small(16 * 4096);
	int s = sender_open("veth0");
	struct ring_counters counters = {0};

	(void)state;
	send_numbers(s, 0, 100);
	run_readers(&l);
	send_numbers(s, 100, 2000);
	usleep(5000 * RETIRE_MS);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	run_readers(&l);
	assert_in_range(counters.drops, 1, 1999);
	expect_each_once(0, (uint32_t)(counters.packets - counters.drops));
	send_numbers(s, 3000, 20);
	run_readers(&l);
	expect_each_once(3000, 20);
	close(s);
	ring_close(l.ring);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lethal_frames),
		TEST(lethal_stream),
		TEST(killed_anywhere),
		TEST(killed_then_full),
	};

	hear_init();
	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
