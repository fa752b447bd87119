/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Harm on request, for tests: what a packet could do that takes over the process which reads it. A
 * packet with "passer-fault:WORD" in it does what WORD says before it is decoded, one with
 * "passer-analyzer-fault:WORD" in an analyzer; the words are in faults.c. Only in builds with
 * -Dfaults=true, which are for no network.
 */
#pragma once

#include <passer/base/frame.h>

#ifndef PASSER_FAULTS
#define PASSER_FAULTS 0 /* 1 by -Dfaults=true */
#endif

void faults_run(const struct frame *frame);
void faults_run_in_analyzer(const struct frame *frame);

/* To be shown every frame. */
static inline void faults_meet(const struct frame *frame)
{
	if (PASSER_FAULTS) {
		faults_run(frame);
	}
}
