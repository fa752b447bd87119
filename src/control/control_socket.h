/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket on which a running sensor is asked and told: a stream socket FOLDER/NAME.sock, for
 * root and its group only. A client sends one line of printable ASCII, gets one line of JSON, and
 * the connection ends.
 *
 * It never waits for anybody: clients are few, have a deadline, and the one that has been there
 * longest makes room for a new one.
 */
#pragma once

#include <passer/base/err.h>

#include <stdbool.h>

#define CONTROL_FOLDER     "/run/passer"
#define CONTROL_LINE_SIZE  512 /* of a request, with its line end */
#define CONTROL_CLIENTS    8
#define CONTROL_PATIENCE_S 5 /* for a client, from connecting to the end of its answer */

/* The answer to a line, in memory that is freed; NULL: none, the connection ends. */
typedef char *control_answer_fn(void *user, const char *line);

struct control_config {
	const char *folder; /* made when it is not there */
	const char *name;   /* when a sensor that lives has it already, "-PID" is added to it */
	control_answer_fn *answer;
	void *user;
};

struct control_socket;

/* Letters, digits, '_', '-' and '.', the latter not first; 40 characters at most. */
bool control_name_is_good(const char *name);

/* A socket file that nobody listens on is replaced. 0, or a negative errno with err set. */
int control_socket_open(const struct control_config *config, struct control_socket **out_control,
                        struct err *err);

/* The name that it got. */
const char *control_socket_name(const struct control_socket *control);

/* Readable when control_socket_run() has something to do. */
int control_socket_fd(const struct control_socket *control);
void control_socket_run(struct control_socket *control);

/* Drops clients whose time is up; to be called about once a second. */
void control_socket_on_clock(struct control_socket *control);

/* Closes its descriptors in a process that was forked. Accepts NULL. */
void control_socket_forget(const struct control_socket *control);

/* Takes the socket file away. Accepts NULL. */
void control_socket_close(struct control_socket *control);
