/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What supervisor and workers tell one another over the socket between them. */
#pragma once

/* From the supervisor to a worker, one datagram each. */
enum worker_order {
	ORDER_STOP = 'S',   /* work off what lies in the rings, then end */
	ORDER_REOPEN = 'R', /* a new log file comes with it (SCM_RIGHTS) */
	ORDER_START = 'B',  /* to a reader of files: it is its turn; with the log file, if any */
	ORDER_RETIRE = 'T', /* end behind the block in work: a successor goes on in the ring */
};

/* From a worker to the supervisor. */
enum worker_report {
	REPORT_UNHANDLED = 'U', /* a packet that no rule knows, and that was to be the last one */
};

/*
 * Tells it without waiting: a worker that hangs and takes no orders shall not hang the supervisor
 * too. fd goes along when it is not -1, and stays the caller's. 0 or a negative errno.
 */
int order_send(int control_fd, enum worker_order what, int fd);

enum order_heard {
	ORDER_HEARD_END = -1,    /* the supervisor is gone */
	ORDER_HEARD_NOTHING = 0, /* no order waits */
};

/*
 * The next order, without waiting, or one of order_heard. With ORDER_REOPEN and ORDER_START
 * *out_fd is the log file, now the caller's, or -1.
 */
int order_hear(int control_fd, int *out_fd);
