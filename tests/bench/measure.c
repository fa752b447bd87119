// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs a program and writes to descriptor 3 what it took, as JSON: measure PROGRAM [ARGUMENT…].
 * A small parent of its own, since Linux counts the memory that the parent had at the fork as the
 * child's peak (setmax_mm_hiwater_rss() in fs/exec.c).
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_FD 3

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status = 0;
	double start = now();
	pid_t pid = argc < 2 ? -1 : fork();

	if (pid == 0) {
		close(REPORT_FD);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0) {
		return 1;
	}
	dprintf(REPORT_FD,
	        "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"rss_kib\": %ld, \"status\": %d}\n",
	        now() - start, seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
	        used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
