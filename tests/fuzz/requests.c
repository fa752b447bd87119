/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client of the control socket sends, in two pieces: how long the first is, then both. */
#include "supervised.h"

#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct control_socket *control;
static struct sockaddr_un addr = {.sun_family = AF_UNIX};

/* But for loading all databases anew, which takes no other words. */
static char *answer(void *user, const char *line)
{
	(void)user;
	return strstr(line, "reload") != NULL ? NULL : requests_answer(supervised_begin(), line);
}

static void remove_socket(void)
{
	control_socket_close(control);
	*strrchr(addr.sun_path, '/') = '\0';
	rmdir(addr.sun_path);
}

static void open_socket(void)
{
	char folder[] = "/tmp/passer-fuzz-XXXXXX";
	struct control_config config = {.folder = folder, .name = "fuzz", .answer = answer};
	struct err err;

	fuzz_require(mkdtemp(folder) != NULL);
	fuzz_require(control_socket_open(&config, &control, &err) == 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/fuzz.sock", folder);
	atexit(remove_socket);
}

static void run(void)
{
	struct pollfd p = {.fd = control_socket_fd(control), .events = POLLIN};

	while (poll(&p, 1, 0) == 1) {
		control_socket_run(control);
	}
}

/* One line that is an object of JSON, or nothing. */
static void check_answer(const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, 0, NULL);

	fuzz_require(len == 0 || (text[len - 1] == '\n' && json_is_object(json)));
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[1 << 20];
	size_t first = size > 1 && data[0] < size - 1 ? data[0] : 0, len = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (control == NULL) {
		open_socket();
	}
	fuzz_require(fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	run();
	for (size_t at = 1; at < size; at = first + 1, first = size - 1) {
		(void)send(fd, data + at, first + 1 - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		run();
	}
	(void)shutdown(fd, SHUT_WR);
	run();
	while ((n = recv(fd, text + len, sizeof(text) - len, MSG_DONTWAIT)) > 0) {
		len += (size_t)n;
		run();
	}
	check_answer(text, len);
	close(fd);
	run();
	return 0;
}
