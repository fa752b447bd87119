; SPDX-License-Identifier: GPL-3.0-or-later
; Signatures for the golden cases, in the format of p0f version 3: one of each construct.

classes = unix,other

[mtu]

label = Example DSL
sig   = 1492
sig   = 1500

[tcp:request]

label = s:unix:Example:1.x, exact
sig   = *:64:0:*:mss*4,2:mss,sok,ts,nop,ws:df,id+:0

label = g:unix:Example:generic
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0

label = s:other:Fixed MSS:
sig   = 4:255:0:1452:%1000,0:mss,nop,nop,?30,eol+3:seq-,uptr+,0+:*

label = s:!:Scanner:
sys   = @unix
sig   = *:64-:4:*:1024,0:mss,nop,nop,eol+1:id-:0

label = s:other:Six:
sig   = 6:255:0:*:mtu*2,*:mss,ws,nop:flow,ecn:0

[tcp:response]

label = s:unix:Example:server
sig   = *:64:0:*:mss*3,*:mss,nop,ws:df:0

[http:request]

ua_os = Linux,Windows,iOS=[iPhone]

label = s:!:Fox:2, or 3
sys   = @unix
sig   = 1:Host,User-Agent,?Accept=[*/*],Connection=[keep-alive]:Cookie:Fox/

label = s:other:Updater:
sig   = 0:Host:User-Agent:

[http:response]

label = s:!:Serve:1.x
sys   = @unix
sig   = 1:Server,Date:Etag:Serve/
