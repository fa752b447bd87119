/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "socket.h"

#include "syserr.h"

#include <passer/base/log.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCKS_MIN  4    /* fewer and the kernel has nowhere to write while we read */
#define FRAME_BYTES 2048 /* means nothing in version 3, but the numbers must agree */

int socket_open(int *out_fd, struct err *err)
{
	int version = TPACKET_V3;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return syserr_set(err, -errno, "packet socket");
	}
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0) {
		int ret = syserr_set(err, -errno, "packet socket with TPACKET_V3");

		close(fd);
		return ret;
	}
	*out_fd = fd;
	return 0;
}

static bool is_block_size(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return bytes >= page && bytes <= INT32_MAX && (bytes & (bytes - 1)) == 0;
}

static int ask_blocks(int fd, const struct ring_config *config, unsigned blocks)
{
	struct tpacket_req3 req = {
		.tp_block_size = (unsigned)config->block_bytes,
		.tp_block_nr = blocks,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = (unsigned)(config->block_bytes / FRAME_BYTES) * blocks,
		.tp_retire_blk_tov = config->retire_ms,
	};

	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) != 0 ? -errno : 0;
}

static void tell_granted(const struct ring_config *config, unsigned wanted, unsigned granted)
{
	size_t block_kib = config->block_bytes / 1024;

	log_warn("capture: %s: no memory for a ring of %zu KiB, %zu KiB granted", config->name,
	         wanted * block_kib, granted * block_kib);
}

/* Halves the wish as long as the kernel has no memory for it. */
static int ask_ring(int fd, const struct ring_config *config, unsigned *out_blocks)
{
	size_t most = UINT32_MAX / (config->block_bytes / FRAME_BYTES);
	size_t wanted = config->ring_bytes / config->block_bytes;
	int ret;

	wanted = wanted < most ? wanted : most;
	wanted = wanted > BLOCKS_MIN ? wanted : BLOCKS_MIN;
	unsigned blocks = (unsigned)wanted;

	while ((ret = ask_blocks(fd, config, blocks)) == -ENOMEM && blocks > BLOCKS_MIN) {
		blocks = blocks / 2 > BLOCKS_MIN ? blocks / 2 : BLOCKS_MIN;
	}
	if (ret == 0 && blocks < wanted) {
		tell_granted(config, (unsigned)wanted, blocks);
	}
	*out_blocks = blocks;
	return ret;
}

int socket_map_ring(int fd, const struct ring_config *config, struct socket_ring *out_ring,
                    struct err *err)
{
	struct socket_ring ring = {.block_bytes = config->block_bytes};

	if (!is_block_size(config->block_bytes)) {
		return err_set(err, -EINVAL,
		               "ring blocks of %zu bytes: must be a power of two, a page or more",
		               config->block_bytes);
	}
	int ret = ask_ring(fd, config, &ring.blocks);

	if (ret != 0) {
		return syserr_set(err, ret, "receive ring");
	}
	void *map = mmap(NULL, ring.blocks * ring.block_bytes, PROT_READ | PROT_WRITE,
	                 MAP_SHARED | MAP_POPULATE, fd, 0);

	if (map == MAP_FAILED) {
		return syserr_set(err, -errno, "mapping of the receive ring");
	}
	ring.map = map;
	*out_ring = ring;
	return 0;
}

void socket_unmap_ring(struct socket_ring *ring)
{
	if (ring->map != NULL) {
		munmap(ring->map, ring->blocks * ring->block_bytes);
		ring->map = NULL;
	}
}

int socket_free_ring(int fd)
{
	struct tpacket_req3 none = {.tp_block_nr = 0};

	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)) != 0 ? -errno : 0;
}

int socket_mute(int fd)
{
	struct sock_filter reject = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &reject};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) {
		return -errno;
	}
	return 0;
}

int socket_bind(int fd, unsigned ifindex, struct err *err)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		return syserr_set(err, -errno, "binding to the interface");
	}
	return 0;
}

int socket_add_promisc(int fd, unsigned ifindex)
{
	struct packet_mreq request = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) != 0) {
		return -errno;
	}
	return 0;
}

int socket_take_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ? errno : error;
}
