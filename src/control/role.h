/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process of passer is there for, which decides what it may do. See docs/threat-model.md.
 */
#pragma once

enum role {
	ROLE_SUPERVISOR, /* owns rings, outputs and workers; parses nothing that a network sent */
	ROLE_WORKER,     /* analyses the frames of its rings */
	ROLE_READER,     /* analyses those of capture files */
	ROLE_COUNT,
};
