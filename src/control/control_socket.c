/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control_socket.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_LEN   40
#define NAME_SIZE      64
#define BACKLOG        128
#define JUNK_READS_MAX 16
#define SOCKET_UMASK   0117 /* leaves 0660 */
#define FOLDER_UMASK   0022
#define ANSWER_MAX     (16u << 20)
#define EVENTS_AT_ONCE (CONTROL_CLIENTS + 1)

#define LISTENER CONTROL_CLIENTS /* its number in epoll, behind those of the clients */

struct client {
	int fd; /* -1: nobody */
	uint64_t deadline_ns;
	char line[CONTROL_LINE_SIZE];
	size_t line_len;
	char *answer; /* NULL: the request is not whole yet */
	size_t answer_len, sent;
};

struct control_socket {
	char name[NAME_SIZE];
	struct sockaddr_un addr;
	control_answer_fn *answer;
	void *user;
	int fd, epoll_fd;
	struct client clients[CONTROL_CLIENTS];
};

/* ---- Clients ---- */

static void drop(const struct control_socket *control, struct client *c)
{
	if (c->fd >= 0) {
		/* Closing is not enough while a process that was just forked has it, too. */
		(void)epoll_ctl(control->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
		close(c->fd);
	}
	free(c->answer);
	*c = (struct client){.fd = -1};
}

/* A place for a new one: a free one, or else that of the one whose time is up first. */
static unsigned make_room(struct control_socket *control)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i].fd < 0) {
			return i;
		}
		if (control->clients[i].deadline_ns < control->clients[oldest].deadline_ns) {
			oldest = i;
		}
	}
	log_debug("control socket: too many clients, the oldest is dropped");
	drop(control, &control->clients[oldest]);
	return oldest;
}

static int watch(const struct control_socket *control, int how, int fd, uint32_t events, unsigned i)
{
	struct epoll_event event = {.events = events, .data.u32 = i};

	return epoll_ctl(control->epoll_fd, how, fd, &event) == 0 ? 0 : -errno;
}

static void let_in(struct control_socket *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		return;
	}
	unsigned i = make_room(control);

	control->clients[i].fd = fd;
	control->clients[i].deadline_ns = clock_monotonic_ns() + CONTROL_PATIENCE_S * NS_PER_S;
	if (watch(control, EPOLL_CTL_ADD, fd, EPOLLIN, i) < 0) {
		drop(control, &control->clients[i]);
	}
}

/* Printable ASCII up to one line end, and nothing behind it. */
static bool is_good_line(const char *line, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (line[i] < 0x20 || line[i] > 0x7e) {
			return false;
		}
	}
	return len > 0 && line[len - 1] == '\n';
}

static char *answer_of(struct control_socket *control, struct client *c)
{
	char *answer;

	if (!is_good_line(c->line, c->line_len)) {
		return strdup("{\"error\": \"one line of printable ASCII is wanted\"}\n");
	}
	c->line[c->line_len - 1] = '\0';
	answer = control->answer(control->user, c->line);
	if (answer != NULL && strlen(answer) > ANSWER_MAX) {
		free(answer);
		return strdup("{\"error\": \"the answer is too long\"}\n");
	}
	return answer;
}

/* Closing with something unread would take the answer away from who is about to read it. */
static void finish(const struct control_socket *control, struct client *c)
{
	char junk[4096];

	for (int i = 0; i < JUNK_READS_MAX && recv(c->fd, junk, sizeof(junk), MSG_DONTWAIT) > 0;
	     i++) {
	}
	drop(control, c);
}

/* Whoever is gone, or takes its time, is not waited for: the rest goes when there is room. */
static void talk(const struct control_socket *control, struct client *c)
{
	while (c->sent < c->answer_len) {
		ssize_t n = send(c->fd, c->answer + c->sent, c->answer_len - c->sent,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			return;
		}
		if (n <= 0) {
			break;
		}
		c->sent += (size_t)n;
	}
	finish(control, c);
}

static void take_request(struct control_socket *control, unsigned i)
{
	struct client *c = &control->clients[i];

	c->answer = answer_of(control, c);
	c->answer_len = c->answer != NULL ? strlen(c->answer) : 0;
	if (c->answer == NULL || watch(control, EPOLL_CTL_MOD, c->fd, EPOLLOUT, i) < 0) {
		drop(control, c);
		return;
	}
	talk(control, c);
}

static void hear(struct control_socket *control, unsigned i)
{
	struct client *c = &control->clients[i];
	ssize_t n = recv(c->fd, c->line + c->line_len, sizeof(c->line) - c->line_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		drop(control, c);
		return;
	}
	c->line_len += (size_t)n;
	if (memchr(c->line, '\n', c->line_len) != NULL || c->line_len == sizeof(c->line)) {
		take_request(control, i);
	}
}

void control_socket_run(struct control_socket *control)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(control->epoll_fd, events, EVENTS_AT_ONCE, 0);

	for (int e = 0; e < n; e++) {
		unsigned i = events[e].data.u32;

		if (i == LISTENER) {
			continue; /* last: a new client may take the place of one with an event */
		}
		if (control->clients[i].answer != NULL) {
			talk(control, &control->clients[i]);
		} else {
			hear(control, i);
		}
	}
	for (int e = 0; e < n; e++) {
		if (events[e].data.u32 == LISTENER) {
			let_in(control);
		}
	}
}

void control_socket_on_clock(struct control_socket *control)
{
	uint64_t now = clock_monotonic_ns();

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i].fd >= 0 && now >= control->clients[i].deadline_ns) {
			log_debug("control socket: a client is too slow and is dropped");
			drop(control, &control->clients[i]);
		}
	}
}

/* ---- Opening and closing ---- */

bool control_name_is_good(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_-.";
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' && strspn(name, good) == len;
}

static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 &&
	                  (errno == ECONNREFUSED || errno == ENOENT);

	if (fd >= 0) {
		close(fd);
	}
	return !is_refused;
}

static int set_name(struct control_socket *control, const char *folder, const char *name, pid_t pid)
{
	char suffix[16] = "";
	int len;

	if (pid != 0) {
		snprintf(suffix, sizeof(suffix), "-%d", (int)pid);
	}
	snprintf(control->name, sizeof(control->name), "%s%s", name, suffix);
	control->addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	len = snprintf(control->addr.sun_path, sizeof(control->addr.sun_path), "%s/%s.sock", folder,
	               control->name);
	return len < (int)sizeof(control->addr.sun_path) ? 0 : -ENAMETOOLONG;
}

static int bind_name(const struct control_socket *control)
{
	const struct sockaddr *addr = (const struct sockaddr *)&control->addr;
	mode_t before = umask(SOCKET_UMASK);
	int ret = 0;

	(void)unlink(control->addr.sun_path);
	if (bind(control->fd, addr, sizeof(control->addr)) != 0 ||
	    listen(control->fd, BACKLOG) != 0) {
		ret = -errno;
	}
	umask(before);
	return ret;
}

/* Under a lock of the folder, so that two that start at once do not take one name. */
static int take_name(struct control_socket *control, const struct control_config *config)
{
	int folder = open(config->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (folder < 0 || flock(folder, LOCK_EX) != 0) {
		ret = -errno;
		goto done;
	}
	ret = set_name(control, config->folder, config->name, 0);
	if (ret == 0 && is_alive(&control->addr)) {
		ret = set_name(control, config->folder, config->name, getpid());
	}
	if (ret == 0) {
		ret = bind_name(control);
	}
done:
	if (folder >= 0) {
		close(folder);
	}
	return ret;
}

static int open_descriptors(struct control_socket *control)
{
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return control->fd >= 0 && control->epoll_fd >= 0 ? 0 : -errno;
}

/* Who may ask gets through it, whatever files are to be to others by default. */
static int make_folder(const char *path)
{
	mode_t before = umask(FOLDER_UMASK);
	int ret = mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -errno;

	umask(before);
	return ret;
}

int control_socket_open(const struct control_config *config, struct control_socket **out_control,
                        struct err *err)
{
	struct control_socket *control = calloc(1, sizeof(*control));
	int ret = -ENOMEM;

	if (control == NULL) {
		return err_set(err, ret, "control socket: out of memory");
	}
	control->fd = control->epoll_fd = -1;
	control->answer = config->answer;
	control->user = config->user;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		control->clients[i].fd = -1;
	}
	ret = make_folder(config->folder);
	if (ret == 0) {
		ret = open_descriptors(control);
	}
	if (ret == 0) {
		ret = take_name(control, config);
	}
	if (ret == 0) {
		ret = watch(control, EPOLL_CTL_ADD, control->fd, EPOLLIN, LISTENER);
	}
	if (ret < 0) {
		goto fail;
	}
	*out_control = control;
	return 0;
fail:
	control_socket_forget(control);
	free(control);
	return err_set(err, ret, "control socket: %s/%s.sock: %s", config->folder, config->name,
	               strerror(-ret));
}

const char *control_socket_name(const struct control_socket *control)
{
	return control->name;
}

int control_socket_fd(const struct control_socket *control)
{
	return control->epoll_fd;
}

void control_socket_forget(const struct control_socket *control)
{
	if (control == NULL) {
		return;
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i].fd >= 0) {
			close(control->clients[i].fd);
		}
	}
	if (control->fd >= 0) {
		close(control->fd);
	}
	if (control->epoll_fd >= 0) {
		close(control->epoll_fd);
	}
}

void control_socket_close(struct control_socket *control)
{
	if (control == NULL) {
		return;
	}
	(void)unlink(control->addr.sun_path);
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		drop(control, &control->clients[i]);
	}
	control_socket_forget(control);
	free(control);
}
