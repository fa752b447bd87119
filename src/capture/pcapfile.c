/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a capture file, tells its format and hands its frames out in batches. */
#include "pcapfile_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_RECORDS 256

enum link_type pcapfile_link_type(uint32_t number)
{
	/* The upper bits hold the length of the frame check sequence, or are reserved. */
	switch (number & 0xffff) {
	case 0:
		return LINK_NULL;
	case 1:
		return LINK_ETHERNET;
	case 9:
	case 50:
	case 51:  /* begins with a PPPoE header */
	case 104: /* Cisco's HDLC, or PPP: the address tells */
		return LINK_PPP;
	case 12: /* DLT_RAW of most systems, written by careless programs */
	case 14: /* DLT_RAW of OpenBSD */
	case 101:
	case 228:
	case 229:
		return LINK_RAW_IP;
	case 105:
		return LINK_80211;
	case 108:
		return LINK_LOOP;
	case 113:
		return LINK_SLL;
	case 127:
		return LINK_RADIOTAP;
	case 276:
		return LINK_SLL2;
	default:
		return LINK_UNKNOWN;
	}
}

int pcapfile_bring(struct pcapfile *f, size_t n, const char *what, struct err *err)
{
	int ret = stream_need(f->stream, n, err);

	return ret == -ENODATA ? err_set(err, ret, "%s is cut", what) : ret;
}

/* Puts the place before the reason that is in err. */
static int broken(const struct pcapfile *f, int code, struct err *err)
{
	char where[sizeof(err->text)];

	snprintf(where, sizeof(where), "%s: breaks off in frame %" PRIu64 " at byte %" PRIu64,
	         f->name, f->frame_count + 1, stream_offset(f->stream));
	return err_prefix(err, code, where);
}

/* Tells the format from the first bytes. -EAGAIN when a pipe has none yet. */
static int begin(struct pcapfile *f, struct err *err)
{
	int ret = pcap_begin(f, err);

	if (ret == 0) {
		ret = pcapng_begin(f, err);
	}
	if (ret != 0) {
		return ret > 0 ? 0 : ret;
	}
	if (stream_peek(f->stream, 1).len == 0) {
		return err_set(err, -ENODATA, "is empty");
	}
	return err_set(err, -EBADMSG,
	               "not a capture file (pcap or pcapng, plain or compressed with gzip, bzip2, "
	               "xz or zstd)");
}

static int pcapfile_read(struct source *source, source_frame_fn *fn, void *user, struct err *err)
{
	struct pcapfile *f = (struct pcapfile *)source;

	if (f->next == NULL) {
		int ret = begin(f, err);

		if (ret < 0) {
			return ret == -EAGAIN ? SOURCE_IDLE : err_prefix(err, ret, f->name);
		}
	}
	for (unsigned i = 0; i < BATCH_RECORDS; i++) {
		struct frame frame;
		int ret = f->next(f, &frame, err);

		if (ret == -EAGAIN) {
			return SOURCE_IDLE;
		}
		if (ret == -ENODATA && stream_peek(f->stream, 1).len == 0) {
			return SOURCE_END;
		}
		if (ret < 0) {
			return broken(f, ret, err);
		}
		if (ret == RECORD_FRAME) {
			f->frame_count++;
			fn(user, &frame);
		}
	}
	return SOURCE_MORE;
}

static int pcapfile_fd(const struct source *source)
{
	return stream_fd(((const struct pcapfile *)source)->stream);
}

static void pcapfile_close(struct source *source)
{
	struct pcapfile *f = (struct pcapfile *)source;

	stream_close(f->stream);
	pcapng_fini(&f->pcapng);
	free(f->name);
	free(f);
}

static const struct source_ops pcapfile_ops = {
	.read = pcapfile_read,
	.fd = pcapfile_fd,
	.close = pcapfile_close,
};

static int open_stream(const char *name, struct stream *stream, struct source **out_source,
                       struct err *err)
{
	struct pcapfile *f = calloc(1, sizeof(*f));
	int ret = 0;

	if (f == NULL) {
		stream_close(stream);
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	}
	f->source.ops = &pcapfile_ops;
	f->stream = stream;
	f->name = strdup(name);
	if (f->name == NULL) {
		ret = err_set(err, -ENOMEM, "out of memory");
	}

	if (ret == 0) {
		ret = begin(f, err);
	}
	if (ret < 0 && ret != -EAGAIN) {
		pcapfile_close(&f->source);
		return err_prefix(err, ret, name);
	}
	*out_source = &f->source;
	return 0;
}

int pcapfile_open(const char *path, struct source **out_source, struct err *err)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct stream *stream;
	int ret = stream_open(path, &stream, err);

	return ret == 0 ? open_stream(name, stream, out_source, err) : err_prefix(err, ret, name);
}

int pcapfile_open_fd(const char *name, int fd, struct source **out_source, struct err *err)
{
	struct stream *stream;
	int ret = stream_open_fd(fd, &stream, err);

	return ret == 0 ? open_stream(name, stream, out_source, err) : err_prefix(err, ret, name);
}

struct pcapfile_progress pcapfile_progress(const struct source *pcapfile)
{
	const struct stream *stream = ((const struct pcapfile *)pcapfile)->stream;

	return (struct pcapfile_progress){
		.read_bytes = stream_disk_offset(stream),
		.size_bytes = stream_disk_size(stream),
	};
}
