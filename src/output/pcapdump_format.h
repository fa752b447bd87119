/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of the two formats that frames are dumped in. Nothing here touches a file. */
#pragma once

#include <passer/base/frame.h>

/* What readers of pcap take at most; more of a frame is cut off. */
#define PCAPDUMP_FRAME_MAX  262144u
#define PCAPDUMP_RECORD_MAX (PCAPDUMP_FRAME_MAX + 64u)
#define PCAPDUMP_HEADER_MAX 32u

/* Kinds of link that have a number in the LINKTYPE_ registry, counted from 0. */
#define PCAPDUMP_LINK_COUNT 11
#define PCAPDUMP_NO_LINK    (-1)
#define PCAPDUMP_ODD_LINK   PCAPDUMP_LINK_COUNT /* of a file: not one of ours */

struct pcapdump_format {
	bool is_pcapng;
	bool is_microseconds; /* pcap that somebody else began */
};

/* The link of a frame, or PCAPDUMP_NO_LINK. */
int pcapdump_link(const struct frame *frame);

/* What a file begins with. A pcap file is of one link; pcapng asks for none. */
size_t pcapdump_header(const struct pcapdump_format *format, int link,
                       uint8_t out_bytes[static PCAPDUMP_HEADER_MAX]);

/* pcapng: the interface of a link. They are numbered from 0 in their order in the file. */
#define PCAPDUMP_INTERFACE_BYTES 32u
void pcapdump_interface(int link, uint8_t out_bytes[static PCAPDUMP_INTERFACE_BYTES]);

/* The record of a frame, at most PCAPDUMP_RECORD_MAX bytes: how long it is, and its bytes. */
size_t pcapdump_record_bytes(const struct pcapdump_format *format, const struct frame *frame);
void pcapdump_record(const struct pcapdump_format *format, const struct frame *frame,
                     uint32_t interface, uint8_t *out_bytes);

/*
 * What a file holds that is to be gone on with: its format, its link type (PCAPDUMP_NO_LINK: none
 * yet, or pcapng) and where its last whole record ends. False when it is not of the format that
 * out_format->is_pcapng asks for, or of a form that we do not write.
 */
bool pcapdump_recognise(struct span file, struct pcapdump_format *format, int *out_link,
                        size_t *out_end);
