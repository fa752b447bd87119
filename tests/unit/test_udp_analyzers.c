/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each analyzer of a protocol over UDP by itself: one payload, the lines it gives, and the verdict.
 * Then the payload cut at every length and with every byte changed, in memory of its very size.
 */
#include "sensor.h"

#include <passer/fingerprint/signatures.h>
#include <passer/ledger/hosts.h>

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

#define SERVER_V4 "10.0.0.2"
#define CLIENT_V4 "10.0.0.1"

struct payload_row {
	const char *analyzer;
	uint16_t sport, dport;
	enum cast link_cast;
	const char *dst; /* NULL: 10.0.0.2 or fe80::2 */
	bool is_v6;
	bool wants_creds;
	struct span payload;
	const char *lines;
	enum verdict verdict;
};

/* Zeros that fill up a fixed part. */
#define Z8   "\0\0\0\0\0\0\0\0"
#define Z32  Z8 Z8 Z8 Z8
#define Z64  Z32 Z32
#define Z128 Z64 Z64

/* RFC 2131: op, htype, hlen, hops; all else of 236 bytes is zero here. */
#define BOOTP "\1\1\6\0" Z128 Z64 Z32 Z8
#define DHCP  BOOTP "\x63\x82\x53\x63"

#define NTP_REST Z32

/* RFC 1001: "FRED" and its fill of blanks, of kind 0x20. */
#define FRED                               \
	"\x20"                             \
	"EGFCEFEECACACACACACACACACACACACA" \
	"\0"
/* "*" and its fill of NULs. */
#define STAR                               \
	"\x20"                             \
	"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"\0"
/* The same with a letter that is none. */
#define BAD                                \
	"\x20"                             \
	"QGFCEFEECACACACACACACACACACACACA" \
	"\0"

#define NBNS_QUERY  "\0\1\1\x10\0\1\0\0\0\0\0\0"
#define NBNS_ANSWER "\0\1\x85\0\0\0\0\1\0\0\0\0"

static const struct payload_row rows[] = {
	{"dhcp", 67, 68, CAST_NONE, NULL, false, false, BYTES(""),
         "US,10.0.0.1,UDP_67,open,bootpordhcp/server\n", VERDICT_DONE},
	{"dhcp", 68, 67, CAST_NONE, NULL, false, false, BYTES(BOOTP),
         "UC,10.0.0.1,UDP_67,open,bootpordhcp/client\n", VERDICT_DONE},
	{"dhcp", 68, 67, CAST_NONE, NULL, false, false,
         BYTES(DHCP "\0\x35\1\3\x0c\3pc1\xff"
                    "\x0c\3pc2"),
         "UC,10.0.0.1,UDP_67,open,bootpordhcp/client\n"
         "NA,10.0.0.1,DHCP,pc1,dhcp\n",
         VERDICT_DONE},
	{"dhcp", 68, 67, CAST_NONE, NULL, false, false, BYTES(DHCP "\x0c\3pc1\x0c\4pc2"),
         "UC,10.0.0.1,UDP_67,open,bootpordhcp/client\n"
         "NA,10.0.0.1,DHCP,pc1,dhcp\n",
         VERDICT_DONE},
	{"dhcp", 67, 67, CAST_NONE, NULL, false, false, BYTES(DHCP), "", VERDICT_PASSED},
	{"dhcp", 546, 547, CAST_NONE, "ff02::1:2", true, false, BYTES("\1"),
         "UC,fe80:0000:0000:0000:0000:0000:0000:0001,UDP_547,open,UDP DHCPv6\n", VERDICT_DONE},
	{"dhcp", 546, 547, CAST_NONE, NULL, true, false, BYTES("\1"), "", VERDICT_UNHANDLED},
	{"dhcp", 547, 546, CAST_NONE, NULL, true, false, BYTES("\2"), "", VERDICT_DONE},

	{"ntp", 4000, 123, CAST_NONE, NULL, false, false, BYTES("\x23\0\6\xec" Z8 Z32 "\0\0\0\0"),
         "UC,10.0.0.1,UDP_123,open,ntp/client\n", VERDICT_DONE},
	{"ntp", 123, 4000, CAST_NONE, NULL, true, false,
         BYTES("\x24\2\6\xec" Z8 "\xc0\0\2\1" NTP_REST),
         "US,fe80:0000:0000:0000:0000:0000:0000:0001,UDP_123,open,"
         "ntp/server stratum=2 reference=192.0.2.1\n"
         "US,192.0.2.1,UDP_123,open,"
         "ntp/server inferred from being a reference but must be checked.\n",
         VERDICT_DONE},
	{"ntp", 123, 4000, CAST_NONE, NULL, false, false,
         BYTES("\x24\2\6\xec" Z8 "\x7f\x7f\1\0" NTP_REST),
         "US,10.0.0.1,UDP_123,open,ntp/server stratum=2 reference=127.127.1.0\n", VERDICT_DONE},
	{"ntp", 4000, 123, CAST_NONE, NULL, false, false,
         BYTES("\x24\2\6\xec" Z8 "\xc0\0\2\1" NTP_REST), "", VERDICT_UNHANDLED},
	{"ntp", 4000, 123, CAST_NONE, NULL, false, false, BYTES("\x17\0\3\x2a\0\0\0\0"),
         "UC,10.0.0.1,UDP_123,open,ntp/client REQ_MON_GETLIST_1: Likely spoofed and DDOSed "
         "source IP Warnings:amplification:spoofed\n",
         VERDICT_DONE},
	{"ntp", 4000, 123, CAST_NONE, NULL, false, false, BYTES("\x16\2\0\1\0\0\0\0"),
         "UC,10.0.0.1,UDP_123,open,ntp_control/client\n", VERDICT_DONE},
	{"ntp", 123, 4000, CAST_NONE, NULL, false, false, BYTES("\x96\2\0\1\0\0\0\0"), "",
         VERDICT_UNHANDLED},

	{"netbios", 137, 137, CAST_BROADCAST, NULL, false, false,
         BYTES(NBNS_QUERY FRED "\0\x20\0\1"),
         "UC,10.0.0.1,UDP_137,open,netbios-ns/broadcastclient\n", VERDICT_DONE},
	{"netbios", 137, 137, CAST_NONE, NULL, false, false, BYTES(NBNS_QUERY FRED "\0\x20\0\1"),
         "UC,10.0.0.1,UDP_137,open,netbios-ns/unicastclient\n", VERDICT_UNHANDLED},
	{"netbios", 4000, 137, CAST_NONE, NULL, false, false, BYTES(NBNS_QUERY STAR "\0\x21\0\1"),
         "UC,10.0.0.1,UDP_137,open,netbios-ns/wildcardclient "
         "Warnings:amplification:spoofed\n",
         VERDICT_DONE},
	{"netbios", 137, 137, CAST_NONE, NULL, false, false,
         BYTES(NBNS_ANSWER FRED "\0\x20\0\1\0\0\0\0\0\6\0\0\x0a\0\0\x09"),
         "US,10.0.0.1,UDP_137,open,netbios-ns\n"
         "NA,10.0.0.9,PTR,FRED,netbios-ns\n",
         VERDICT_DONE},
	{"netbios", 138, 138, CAST_BROADCAST, NULL, false, false,
         BYTES("\x11\x0e\0\1\x0a\0\0\1\0\x8a\0\0\0\0" FRED),
         "NA,10.0.0.1,PTR,FRED,netbios-dgm\n"
         "US,10.0.0.1,UDP_138,open,netbios-dgm\n",
         VERDICT_DONE},
	{"netbios", 4000, 138, CAST_BROADCAST, NULL, false, false,
         BYTES("\x11\x0e\0\1\x0a\0\0\1\0\x8a\0\0\0\0" BAD),
         "UC,10.0.0.1,UDP_138,open,netbios-dgm/broadcastclient\n", VERDICT_DONE},
	{"netbios", 138, 138, CAST_NONE, NULL, false, false, BYTES("\x13\0\0\1\x0a\0\0\1\0\x8a"),
         "US,10.0.0.1,UDP_138,open,netbios-dgm\n", VERDICT_DONE},

	{"snmp", 4000, 161, CAST_NONE, NULL, false, false, BYTES("\x30\x0d\2\1\0\4\6public\xa0\0"),
         "", VERDICT_UNHANDLED},
	{"snmp", 4000, 161, CAST_NONE, NULL, false, true, BYTES("\x30\x0d\2\1\0\4\6public\xa0\0"),
         "UC,10.0.0.1,UDP_161,open,snmp/client community: public Warnings:plaintext\n",
         VERDICT_DONE},
	{"snmp", 161, 4000, CAST_NONE, NULL, true, true,
         BYTES("\x30\x82\0\x0d\2\1\1\4\6public\xa2\0"),
         "US,fe80:0000:0000:0000:0000:0000:0000:0001,UDP_161,open,"
         "snmp/server community: public Warnings:plaintext\n",
         VERDICT_DONE},
	{"snmp", 4000, 161, CAST_NONE, NULL, false, true, BYTES("\x30\x05\2\1\3\x30\0"), "",
         VERDICT_DONE},
	{"snmp", 4000, 162, CAST_NONE, NULL, false, true, BYTES("\x31\x0d\2\1\0\4\6public\xa0\0"),
         "", VERDICT_PASSED},

	{"syslog", 514, 514, CAST_NONE, NULL, false, false, BYTES("<7>Jan  1 00:00:00 h p: x"),
         "UC,10.0.0.1,UDP_514,open,syslog/client Warnings:plaintext\n"
         "US,10.0.0.2,UDP_514,open,syslog/server not confirmed Warnings:plaintext\n"
         "NA,10.0.0.1,PTR,h,syslog Warnings:plaintext\n"
         "IP,10.0.0.1,IP,live,running process: p Warnings:plaintext\n",
         VERDICT_DONE},
	{"syslog", 514, 514, CAST_BROADCAST, NULL, false, false, BYTES("<7>"),
         "UC,10.0.0.1,UDP_514,open,syslog/client Warnings:plaintext\n", VERDICT_UNHANDLED},
	{"syslog", 514, 514, CAST_NONE, NULL, false, false, BYTES("<1234>"), "", VERDICT_PASSED},

	{"discovery", 4000, 54925, CAST_BROADCAST, NULL, false, false,
         BYTES("IP=10.0.0.9:54925;IPv6=[::1]:54926,[fe80::9]:54925;NODENAME=\"BRN\""),
         "UC,10.0.0.1,UDP_54925,open,brother-announce/broadcast nodename: BRN\n"
         "UC,10.0.0.9,UDP_54925,open,brother-announce/broadcast nodename: BRN\n"
         "UC,0000:0000:0000:0000:0000:0000:0000:0001,UDP_54925,open,"
         "brother-announce/broadcast nodename: BRN\n"
         "UC,fe80:0000:0000:0000:0000:0000:0000:0009,UDP_54925,open,"
         "brother-announce/broadcast nodename: BRN\n",
         VERDICT_DONE},
	{"discovery", 4000, 1234, CAST_BROADCAST, NULL, false, false,
         BYTES("Hello there. I am at x Hostname:<\xff> Hostname:<nas>"),
         "UC,10.0.0.1,UDP_1234,open,stora_nas_scan/broadcast hostname: nas\n", VERDICT_DONE},
	{"discovery", 1046, 1046, CAST_BROADCAST, NULL, false, false,
         BYTES("rc_iamhere:6555:0:0:pc"),
         "UC,10.0.0.1,UDP_1046,open,sharemouse/broadcastclient rc_iamhere sharemouse trojan "
         "Warnings:malicious\n"
         "NA,10.0.0.1,NA,pc,sharemouse trojan Warnings:malicious\n",
         VERDICT_DONE},
	{"discovery", 1046, 1046, CAST_NONE, NULL, false, false, BYTES("rc_iamhere:6555:0:0:pc"),
         "", VERDICT_PASSED},

	{"ssdp", 4000, 1900, CAST_MULTICAST, "239.255.255.250", false, false,
         BYTES("NOTIFY * HTTP/1.1\r\nLOCATION:\r\nLOCATION: http://h/,d\r\nServer: a\r\n"),
         "UC,10.0.0.1,UDP_1900,open,ssdp-announce/client SSDP Location: http://h/ d "
         "SSDP Server: a\n",
         VERDICT_DONE},
	{"ssdp", 4000, 1900, CAST_MULTICAST, "ff02::c", true, false, BYTES("M-SEARCH"),
         "UC,fe80:0000:0000:0000:0000:0000:0000:0001,UDP_1900,open,"
         "ssdp-discovery/broadmulticastclient\n",
         VERDICT_DONE},
	{"ssdp", 4000, 1900, CAST_MULTICAST, "ff02::c", true, false, BYTES("SEARCH"), "",
         VERDICT_UNHANDLED},
	{"ssdp", 4000, 1900, CAST_NONE, NULL, false, false, BYTES("SEARCH"), "", VERDICT_PASSED},

	{"sip", 5060, 5060, CAST_NONE, NULL, false, false,
         BYTES("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: x\n\t<sip:a@b:1;t>\n"
               "To: <sip:c@d>"),
         "UC,10.0.0.1,UDP_5060,open,sip/client From:a(b:1) To:c(d) Warnings:scan\n",
         VERDICT_PASSED},
	{"sip", 5060, 5006, CAST_NONE, NULL, false, false,
         BYTES("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP h\n"), "", VERDICT_PASSED},
	{"sip", 5061, 5061, CAST_NONE, "69.59.227.77", false, false,
         BYTES("x.vonage.net:5061 SIP/2.0\nContact: <x>\nContact: 1-2 <sip"),
         "UC,10.0.0.1,UDP_5061,open,sip/vonage_client  phone number: 1-2\n", VERDICT_DONE},

	{"llmnr", 4000, 5355, CAST_NONE, NULL, false, false, BYTES(Z8 "\0\0\0\0"), "",
         VERDICT_UNHANDLED},

	{"dns", 4000, 53, CAST_NONE, NULL, false, false,
         BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\4IETF\3org\0\0\xff\0\1"),
         "UC,10.0.0.1,UDP_53,open,dns/client\n"
         "UC,10.0.0.1,UDP_53,open,dns/client ANY domains requested:ietf.org. "
         "Warnings:amplification:spoofed\n",
         VERDICT_DONE},
	{"dns", 4000, 53, CAST_NONE, NULL, false, false,
         BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\4ietx\3org\0\0\xff\0\1"),
         "UC,10.0.0.1,UDP_53,open,dns/client\n", VERDICT_UNHANDLED},
	{"dns", 5353, 5353, CAST_MULTICAST, "224.0.0.251", false, false,
         BYTES("\0\0\x84\0\0\0\0\1\0\0\0\0\x09_services\7_dns-sd\4_udp\5local\0"
               "\0\x0c\0\1\0\0\0\1\0\x11\4_ftp\4_tcp\5local\0"),
         "US,10.0.0.1,UDP_5353,open,mdns/server\n"
         "DN,10.0.0.1,PTR,_services._dns-sd._udp.local.,_ftp._tcp.local.\n"
         "TS,10.0.0.1,TCP_21,listening,ftp/server not confirmed\n",
         VERDICT_DONE},
};

/* ---- the databases that an analyzer by itself needs ----------------------------------------- */

static int open_sensor(void **state)
{
	struct rows_report report = {.tell = NULL};
	struct databases *db = &sensor.databases;

	(void)state;
	open_ledger();
	db->sip_ports = port_names_new();
	db->mdns_services = mdns_services_new();
	db->dns_any = dns_any_new();
	port_names_load(db->sip_ports, "sip", signatures_text("sip_ports.tsv"), &report);
	mdns_services_load(db->mdns_services, "mdns", signatures_text("mdns.tsv"), &report);
	dns_any_load(db->dns_any, "dns_any", signatures_text("dns_any.tsv"), &report);
	assert_int_equal(report.bad, 0);
	return 0;
}

static int close_sensor(void **state)
{
	(void)state;
	port_names_free(sensor.databases.sip_ports);
	mdns_services_free(sensor.databases.mdns_services);
	dns_any_free(sensor.databases.dns_any);
	close_ledger();
	return 0;
}

static const struct analyzer *analyzer_named(const char *name)
{
	size_t count;
	const struct analyzer_row *table = analyzer_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].analyzer->name, name) == 0) {
			return table[i].analyzer;
		}
	}
	fail_msg("no analyzer %s", name);
	return NULL;
}

static struct addr addr_from(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(text, &addr));
	return addr;
}

/* Runs the analyzer of a row on other bytes, and forgets everything before. */
static enum verdict run(const struct payload_row *row, struct span payload)
{
	const struct frame frame = {.time_ns = 1};
	const char *dst = row->dst != NULL ? row->dst : row->is_v6 ? "fe80::2" : SERVER_V4;
	struct pkt pkt = {
		.frame = &frame,
		.layer = LAYER_UDP,
		.link_cast = row->link_cast,
		.src = addr_from(row->is_v6 ? "fe80::1" : CLIENT_V4),
		.dst = addr_from(dst),
		.ttl = 64,
		.sport = row->sport,
		.dport = row->dport,
	};
	uint8_t *copy = malloc(payload.len + (payload.len == 0));

	assert_non_null(copy);
	memcpy(copy, payload.data, payload.len);
	pkt.payload = span_of(copy, payload.len);
	sensor.ledger.key.k0++; /* under another key no fact is known */
	sensor.buffer.used = 0;
	sensor.options.wants_creds = row->wants_creds;
	enum verdict verdict = analyzer_named(row->analyzer)->run(&pkt, &sensor.ctx);

	free(copy);
	return verdict;
}

static void payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("# row %zu: %s\n", i, rows[i].analyzer);
		enum verdict verdict = run(&rows[i], rows[i].payload);

		assert_string_equal(printed(), rows[i].lines);
		assert_int_equal(verdict, rows[i].verdict);
	}
}

/* Nothing is asked but that each line is whole. */
static void check_lines(void)
{
	uint32_t used = sensor.buffer.used;

	assert_true(used == 0 || sensor.buffer.bytes[used - 1] == '\n');
	for (uint32_t i = 0; i < used; i++) {
		uint8_t b = (uint8_t)sensor.buffer.bytes[i];

		assert_true(b == '\n' || (b >= 0x20 && b != 0x7f));
	}
}

static void cut_payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t len = 0; len < rows[i].payload.len; len++) {
			run(&rows[i], span_of(rows[i].payload.data, len));
			check_lines();
		}
	}
}

static void changed_payloads(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x0a, 0x2c, 0x7f, 0x80, 0xc0, 0xff};
	uint8_t bytes[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = rows[i].payload.len;

		assert_true(len <= sizeof(bytes));
		for (size_t at = 0; at < len; at++) {
			for (size_t v = 0; v < COUNT(values); v++) {
				memcpy(bytes, rows[i].payload.data, len);
				bytes[at] = values[v];
				run(&rows[i], span_of(bytes, len));
				check_lines();
			}
		}
	}
}

/* An answer marks its sender as a server, for both families, and nobody else. */
static void dns_servers(void **state)
{
	struct payload_row answer = {
		"dns", 53,          4000,  CAST_NONE,
		NULL,  false,       false, BYTES("\0\1\x81\x80\0\0\0\0\0\0\0\0"),
		NULL,  VERDICT_DONE};

	(void)state;
	for (int is_v6 = 0; is_v6 <= 1; is_v6++) {
		struct addr server = addr_from(is_v6 ? "fe80::1" : CLIENT_V4);
		struct addr client = addr_from(is_v6 ? "fe80::2" : SERVER_V4);

		answer.is_v6 = is_v6;
		answer.sport = 5353;
		run(&answer, answer.payload);
		assert_false(host_is_dns_server(&sensor.ledger, &server, 2));
		answer.sport = 53;
		run(&answer, answer.payload);
		assert_true(host_is_dns_server(&sensor.ledger, &server, 2));
		assert_false(host_is_dns_server(&sensor.ledger, &client, 2));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads),
		cmocka_unit_test(cut_payloads),
		cmocka_unit_test(changed_payloads),
		cmocka_unit_test(dns_servers),
	};

	return cmocka_run_group_tests(tests, open_sensor, close_sensor);
}
