/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket: its file and name, questions in pieces, and clients that are no good. */
#include "control/control_socket.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_ANSWER (4u << 20) /* more than a socket takes at once */

static char folder[64];

/* Says what it was asked; "long" is answered at length, "none" not at all. */
static char *answer(void *user, const char *line)
{
	char *text;

	(*(unsigned *)user)++;
	if (strcmp(line, "none") == 0) {
		return NULL;
	}
	if (strcmp(line, "long") == 0) {
		text = malloc(LONG_ANSWER + 1);
		assert_non_null(text);
		memset(text, 'x', LONG_ANSWER);
		text[LONG_ANSWER] = '\0';
		return text;
	}
	text = malloc(strlen(line) + 3);
	assert_non_null(text);
	snprintf(text, strlen(line) + 3, "<%s>", line);
	return text;
}

static unsigned asked;

static struct control_socket *control_of(const char *name)
{
	struct control_config config = {
		.folder = folder, .name = name, .answer = answer, .user = &asked};
	struct control_socket *control = NULL;
	struct err err;

	assert_int_equal(control_socket_open(&config, &control, &err), 0);
	return control;
}

static int client_of(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s.sock", folder, name);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *words)
{
	assert_int_equal(send(fd, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

static void run(struct control_socket *control)
{
	struct pollfd p = {.fd = control_socket_fd(control), .events = POLLIN};

	while (poll(&p, 1, 0) == 1) {
		control_socket_run(control);
	}
}

/* All that comes until the connection ends; how many bytes. */
static size_t hear(struct control_socket *control, int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	do {
		run(control);
		n = recv(fd, text + used, size - used, 0);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(fd);
	return used;
}

static void check_answer(struct control_socket *control, const char *words, const char *wanted)
{
	char text[256] = "";
	int fd = client_of(control_socket_name(control));

	say(fd, words);
	hear(control, fd, text, sizeof(text) - 1);
	assert_string_equal(text, wanted);
}

static void lines_are_answered(void **state)
{
	static const char bad[] = "{\"error\": \"one line of printable ASCII is wanted\"}\n";
	struct control_socket *control = control_of("lines");
	char much[CONTROL_LINE_SIZE + 100];

	(void)state;
	memset(much, 'a', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	check_answer(control, "hello\n", "<hello>");
	check_answer(control, "\n", "<>");
	check_answer(control, "a b  c\n", "<a b  c>");
	check_answer(control, "none\n", "");
	check_answer(control, "a\nb", bad);
	check_answer(control, "a\nb\n", bad);
	check_answer(control, "a\tb\n", bad);
	check_answer(control, "\xc3\xa4\n", bad);
	check_answer(control, much, bad);
	control_socket_close(control);
}

static void pieces_and_long_answers(void **state)
{
	struct control_socket *control = control_of("pieces");
	char *text = malloc(LONG_ANSWER + 1);
	int fd = client_of("pieces");

	(void)state;
	assert_non_null(text);
	for (const char *p = "lon"; *p != '\0'; p++) {
		char one[2] = {*p, '\0'};

		say(fd, one);
		run(control);
	}
	say(fd, "g\n");
	assert_int_equal(hear(control, fd, text, LONG_ANSWER + 1), LONG_ANSWER);
	free(text);
	control_socket_close(control);
}

static void new_clients_find_room(void **state)
{
	struct control_socket *control = control_of("room");
	int fds[3 * CONTROL_CLIENTS];
	char text[8];

	(void)state;
	for (int i = 0; i < 3 * CONTROL_CLIENTS; i++) {
		fds[i] = client_of("room");
		run(control);
	}
	check_answer(control, "here\n", "<here>");
	assert_int_equal(recv(fds[0], text, sizeof(text), MSG_DONTWAIT), 0); /* dropped */
	say(fds[3 * CONTROL_CLIENTS - 1], "too\n");
	assert_int_equal(hear(control, fds[3 * CONTROL_CLIENTS - 1], text, sizeof(text)), 5);
	control_socket_on_clock(control); /* nobody's time is up */
	assert_int_equal(recv(fds[3 * CONTROL_CLIENTS - 2], text, sizeof(text), MSG_DONTWAIT), -1);
	control_socket_close(control);
	assert_int_equal(recv(fds[3 * CONTROL_CLIENTS - 2], text, sizeof(text), MSG_DONTWAIT), 0);
	for (int i = 0; i < 3 * CONTROL_CLIENTS - 1; i++) {
		close(fds[i]);
	}
}

static void names_and_files(void **state)
{
	struct control_socket *first = control_of("same");
	struct control_socket *second = control_of("same");
	char wanted[64], path[160];
	struct stat st;

	(void)state;
	snprintf(wanted, sizeof(wanted), "same-%d", (int)getpid());
	assert_string_equal(control_socket_name(first), "same");
	assert_string_equal(control_socket_name(second), wanted);
	snprintf(path, sizeof(path), "%s/same.sock", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	check_answer(second, "b\n", "<b>");
	control_socket_close(second);
	check_answer(first, "a\n", "<a>");
	control_socket_forget(first); /* as in a process that is killed: the file stays */
	assert_int_equal(stat(path, &st), 0);
	free(first);
	first = control_of("same");
	assert_string_equal(control_socket_name(first), "same");
	control_socket_close(first);
	assert_int_equal(stat(path, &st), -1);
	control_socket_close(NULL);
	control_socket_forget(NULL);
}

static void a_folder_that_cannot_be(void **state)
{
	struct control_config config = {
		.folder = "/dev/null", .name = "a", .answer = answer, .user = &asked};
	struct control_socket *control;
	struct err err;

	(void)state;
	assert_true(control_socket_open(&config, &control, &err) < 0);
	assert_string_equal(err.text, "control socket: /dev/null/a.sock: Not a directory");
	config.folder = "/nonexistent/folder";
	assert_true(control_socket_open(&config, &control, &err) < 0);
}

static void folder_is_open_to_who_may_ask(void **state)
{
	char made[sizeof(folder) + 8];
	struct control_config config = {
		.folder = made, .name = "a", .answer = answer, .user = &asked};
	struct control_socket *control;
	struct stat st;
	struct err err;
	mode_t before = umask(077);

	(void)state;
	snprintf(made, sizeof(made), "%s/made", folder);
	assert_int_equal(control_socket_open(&config, &control, &err), 0);
	umask(before);
	assert_int_equal(stat(made, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	control_socket_close(control);
	assert_int_equal(rmdir(made), 0);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/passer-control-XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_answered),
		cmocka_unit_test(pieces_and_long_answers),
		cmocka_unit_test(new_clients_find_room),
		cmocka_unit_test(names_and_files),
		cmocka_unit_test(a_folder_that_cannot_be),
		cmocka_unit_test(folder_is_open_to_who_may_ask),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
