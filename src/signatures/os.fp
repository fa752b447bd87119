; SPDX-License-Identifier: GPL-3.0-or-later
;
; Current operating systems, which p0f's own file is too old for. The format is that of p0f version 3,
; README section 5. Each group says where its values are from; a row that nobody measured does not
; belong here.
;
; These rows are asked behind those of p0f.fp. Linux announces as many whole segments as fit into
; 65,535 bytes, so the factor follows from the MTU: 44 is that of Ethernet (MSS 1460), 52 that of
; the smallest MTU of IPv6.

classes = win,unix,other

[tcp:request]

; Measured: Linux 6.18 over veth, IPv4 and IPv6, MTU 1280 to 1500 in steps of 4, and over lo. "4.20":
; the windows of about 64 KB came with commit a337531b942b of Linux, "tcp: up initial rmem to 128KB and
; SYN rwin to around 64KB". Android 16 is the same (the source of Windows 11 below, section 1.5).
label = s:unix:Linux:4.20 and newer
sig   = *:64:0:*:mss*44,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*45,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*46,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*47,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*48,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*49,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*50,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*51,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*52,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = *:64:0:*:mss*53,*:mss,sok,ts,nop,ws:df,id+,flow:0
sig   = 4:64:0:65495:mss*1,*:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:65476:mss*1,*:mss,sok,ts,nop,ws:flow:0

; The same without timestamps (net.ipv4.tcp_timestamps = 0), MTU 1500.
sig   = 4:64:0:*:mss*44,*:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = 6:64:0:*:mss*45,*:mss,nop,nop,sok,nop,ws:flow:0

; The same with a receive buffer of 2 MiB at the start (net.ipv4.tcp_rmem). Android: the example
; "65535,8" in the tests of huginn-net (github.com/biandratti/huginn-net).
label = s:unix:Linux:4.20 and newer or Android
sig   = *:64:0:*:65535,*:mss,sok,ts,nop,ws:df,id+,flow:0

; Windows 10: "64240_2-1-3-1-1-4_1460_8" among the examples of JA4T (github.com/FoxIO-LLC/ja4,
; technical_details/JA4T.md); TTL, DF and identification as all of Windows.
; Windows 11: "4:128:0:1460:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0" in section 1.1 of "TCP/IP OS
; Fingerprint Research" (github.com/Muno459/hev-socks5-server, docs/tcp-fingerprint-research.md).
label = s:win:Windows:10 or 11
sig   = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0

; macOS 26 and iOS 26: sections 1.2 and 1.3 of the same; without "ecn" they are repeated SYNs (section
; 3.3). JA4T's example of "Mac OSX / iPhone" has the same options, window and scale.
label = s:unix:macOS:or iOS
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0

[tcp:response]

; Measured as above, and with SYNs that offer each set of options. The answer to one that offers the MSS
; alone is left out: the address translation of virtual machines sends the same.
label = s:unix:Linux:4.20 and newer
sig   = *:64:0:*:mss*45,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*46,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*47,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*48,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*49,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*50,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*51,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*52,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*53,*:mss,sok,ts,nop,ws:df,flow:0
sig   = *:64:0:*:mss*54,*:mss,sok,ts,nop,ws:df,flow:0
sig   = 4:64:0:65495:mss*1,*:mss,sok,ts,nop,ws:df:0
sig   = 6:64:0:65476:mss*1,*:mss,sok,ts,nop,ws:flow:0
sig   = *:64:0:*:65535,*:mss,sok,ts,nop,ws:df,flow:0
sig   = 4:64:0:*:mss*44,0:mss,nop,nop,sok:df:0
sig   = 6:64:0:*:mss*45,0:mss,nop,nop,sok:flow:0
sig   = 4:64:0:*:mss*44,*:mss,nop,ws:df:0
sig   = 6:64:0:*:mss*45,*:mss,nop,ws:flow:0
sig   = 4:64:0:*:mss*44,*:mss,nop,nop,sok,nop,ws:df:0
sig   = 6:64:0:*:mss*45,*:mss,nop,nop,sok,nop,ws:flow:0
sig   = *:64:0:*:mss*45,0:mss,sok,ts:df,flow:0
sig   = *:64:0:*:mss*45,0:mss,nop,nop,ts:df,flow:0
sig   = *:64:0:*:mss*45,*:mss,nop,nop,ts,nop,ws:df,flow:0
