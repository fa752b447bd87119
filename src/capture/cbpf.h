/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: a classic BPF program (the kernel's Documentation/networking/filter.rst), as
 * libpcap compiles it from an expression, becomes eBPF instructions of a socket filter. Makes no
 * system call, and any program may be given.
 *
 * The result is that of libpcap's own interpreter, pcap_offline_filter(3PCAP), over the whole frame
 * as it was on the wire: a load that reaches beyond the frame and a division by zero end the
 * program with 0, offsets do not wrap round, and the outermost VLAN tag is in its place, though the
 * kernel has taken it out.
 */
#pragma once

#include "ebpf_code.h"

#include <passer/base/err.h>

#include <linux/filter.h>

/*
 * Adds the program to the code. The code before it must leave the context (struct __sk_buff) in R6,
 * from the code behind it R0 has the program's result; both are free to use all other registers.
 * skb->data must be at the first byte of the frame, as it is where a packet socket asks its filter.
 * The lowest CBPF_STACK_BYTES below the frame pointer are used.
 *
 * has_tags: frames are Ethernet. 0, or -EINVAL with the first fault in err, or -E2BIG.
 */
int cbpf_translate(const struct sock_fprog *program, bool has_tags, struct ebpf_code *code,
                   struct err *err);

#define CBPF_STACK_BYTES 160
