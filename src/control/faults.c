/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "faults.h"

#include "calls.h"

#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAGIC             "passer-fault:"
#define MAGIC_IN_ANALYZER "passer-analyzer-fault:"
#define FD_MAX            256

/* ---- what a process may not do --------------------------------------------------------------- */

static void make_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void execute(void)
{
	static char program[] = "/bin/true";
	char *const words[] = {program, NULL};

	(void)execve(words[0], words, NULL);
}

static void signal_another(void)
{
	(void)kill(1, 0);
}

/* Signal 0 does nothing, should it be let through. */
static void signal_another_thread(void)
{
	(void)syscall(SYS_tgkill, 1, 1, 0);
}

/* Without arguments it does nothing, should it be let through. */
static void make_process(void)
{
	(void)syscall(SYS_clone3, NULL, 0);
}

static void load_ebpf(void)
{
	(void)syscall(SYS_bpf, 0, NULL, 0);
}

static void attach_debugger(void)
{
	(void)syscall(SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0);
}

static void map_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	           0);
}

/* Of no bytes: nothing happens, should it be let through. */
static void turn_into_code(void)
{
	(void)mprotect(NULL, 0, PROT_READ | PROT_EXEC);
}

/* Through any of its descriptors that is a packet socket. */
static void send_packet(void)
{
	static const char frame[64] = "\xff\xff\xff\xff\xff\xff passer must not send";
	struct sockaddr_storage name;

	for (int fd = 3; fd < FD_MAX; fd++) {
		socklen_t len = sizeof(name);

		if (syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &name, &len) == 0 &&
		    *(const int *)(const void *)&name == AF_PACKET) {
			(void)!write(fd, frame, sizeof(frame));
		}
	}
}

static void open_file(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	log_warn("fault: /etc/passwd: %s", fd >= 0 ? "was opened" : strerror(errno));
}

/* ---- what ends it ---------------------------------------------------------------------------- */

static void crash(void)
{
	/* As a wild pointer does it, but without a word of the sanitizers, which tests look for. */
	if (CALLS_HAVE_SANITIZERS) {
		signal(SIGSEGV, SIG_DFL);
	}
	raise(SIGSEGV);
}

/* On the packet, of CPU time. */
static void spend(long ms)
{
	struct timespec began, now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while ((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 < ms);
}

static void work_hard(void)
{
	spend(700); /* less than it may take: see hang.h */
}

static void wait_long(void)
{
	const struct timespec three_seconds = {.tv_sec = 3};

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &three_seconds, NULL);
}

static void hang(void)
{
	for (;;) {
		__asm__ volatile("");
	}
}

/* And does not hear its own watch. */
static void hang_deaf(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	hang();
}

static const struct {
	const char *word;
	void (*run)(void);
} faults[] = {
	{"socket", make_socket},
	{"execve", execute},
	{"clone3", make_process},
	{"kill", signal_another},
	{"tgkill", signal_another_thread},
	{"bpf", load_ebpf},
	{"vm-write", attach_debugger},
	{"mmap", map_code},
	{"mprotect", turn_into_code},
	{"write", send_packet},
	{"open", open_file},
	{"crash", crash},
	{"hang", hang},
	{"deaf", hang_deaf},
	{"busy", work_hard},
	{"wait", wait_long},
};

static void run_behind(const struct frame *frame, const char *magic)
{
	const size_t magic_len = strlen(magic);
	const uint8_t *found = memmem(frame->bytes.data, frame->bytes.len, magic, magic_len);

	if (found == NULL) {
		return;
	}
	struct span word =
		span_of(found + magic_len,
	                (size_t)(frame->bytes.data + frame->bytes.len - found) - magic_len);

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (span_has_prefix(word, span_str(faults[i].word))) {
			faults[i].run();
		}
	}
}

void faults_run(const struct frame *frame)
{
	run_behind(frame, MAGIC);
}

void faults_run_in_analyzer(const struct frame *frame)
{
	run_behind(frame, MAGIC_IN_ANALYZER);
}
