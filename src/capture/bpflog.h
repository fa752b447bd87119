/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to capture/: what libbpf has to say goes into our log, one level lower. */
#pragma once

/* May be called again; before each use of libbpf that can fail. */
void bpflog_init(void);
