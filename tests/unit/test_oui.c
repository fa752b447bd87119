/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/oui.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES_MAX 3

/* Databases without a place on disk: each is a memfd, named by its link in /proc. */
struct files {
	int fds[FILES_MAX];
	char names[FILES_MAX][32];
	const char *paths[FILES_MAX + 1];
};

static void files_init(struct files *f, const char *const *texts)
{
	*f = (struct files){.paths = {NULL}};
	for (size_t i = 0; texts[i] != NULL; i++) {
		size_t len = strlen(texts[i]);

		assert_true(i < FILES_MAX);
		f->fds[i] = memfd_create("oui", 0);
		assert_true(f->fds[i] >= 0);
		assert_int_equal(write(f->fds[i], texts[i], len), len);
		snprintf(f->names[i], sizeof(f->names[i]), "/proc/self/fd/%d", f->fds[i]);
		f->paths[i] = f->names[i];
	}
}

static void files_fini(struct files *f)
{
	for (size_t i = 0; f->paths[i] != NULL; i++) {
		close(f->fds[i]);
	}
}

static struct oui *load(const char *const *texts)
{
	struct files f;
	struct oui *oui = NULL;
	struct err err;

	files_init(&f, texts);
	assert_int_equal(oui_new(f.paths, &oui, &err), 0);
	files_fini(&f);
	return oui;
}

static const char *name_of(const struct oui *oui, uint64_t address)
{
	struct mac mac;

	for (int i = 5; i >= 0; i--) {
		mac.bytes[i] = (uint8_t)address;
		address >>= 8;
	}
	return oui_find(oui, &mac);
}

/* What one line of a database says about one address. */
struct line_case {
	const char *line;
	uint64_t address;
	const char *name;
};

static void each_form_of_line(void **state)
{
	static const struct line_case cases[] = {
		{"000A27 Apple\n", 0x000a27ffffff, "Apple"},
		{"000A27\tApple, Inc. \r\n", 0x000a27000000, "Apple, Inc."},
		{"000A27 Apple", 0x000a27000000, "Apple"},
		{"# 000A27 Apple\n", 0x000a27000000, ""},
		{"000a27 Apple\n", 0x000a27000000, ""},
		{"000A2 Apple\n", 0x0000a2000000, ""},
		{"000A2700 Apple\n", 0x000a27000000, ""},
		{"000A27 \n", 0x000a27000000, ""},
		{"000A27", 0x000a27000000, ""},
		{"0050C2FF1 Small\n", 0x0050c2ff1abc, "Small"},
		{"741AE09 Medium\n", 0x741ae09abcde, "Medium"},
		{"00:0a:27  Apple\n", 0x000a27000000, "Apple"},
		{"00:0A:27Apple\n", 0x000a27000000, "Apple"},
		{"00:0A:2", 0x000a02000000, ""},
		{"00:0A:2G Apple\n", 0x000a27000000, ""},
		{"00:0A:27\tApple\tApple, Inc.\n", 0x000a27000000, "Apple, Inc."},
		{"00:00:D1\tAdaptec\t\tAdaptec, Inc.\t# \"Nodem\" product\n", 0x0000d1000000,
	         "Adaptec, Inc."},
		{"00:00:D1\tAdaptec\t# product\n", 0x0000d1000000, "Adaptec"},
		{"00:00:D1\tNumber #1\n", 0x0000d1000000, "Number #1"},
		{"00:00:D1\t# nobody\n", 0x0000d1000000, ""},
		{"00:1B:C5:00:00:00/36\tConvergi\tConverging Systems\n", 0x001bc5000fff,
	         "Converging Systems"},
		{"00:55:DA:00:00:00/28\tShinko\n", 0x0055da0fffff, "Shinko"},
		{"00:55:DA/24\tIeee\n", 0x0055dafffff0, "Ieee"},
		{"00:55:DA/28\tLie\n", 0x0055da000000, ""},
		{"01:80:C2:00:00:00\tBridge\n", 0x0180c2000000, ""},
		{"00:00:0C:07:AC:00/40\tHSRP\n", 0x00000c07ac00, ""},
		{"00:00:00:00:00:00/\tnone\n", 0x000000000000, ""},
		{"MA-L,000A27,Apple,Cupertino\n", 0x000a27000000, "Apple"},
		{"MA-L,000A27,\"Apple, Inc.\",Cupertino\n", 0x000a27000000, "Apple, Inc."},
		{"MA-L,000A27,\"JSC \"\"MASSA\"\"\",\"x\"\r\n", 0x000a27000000, "JSC \"MASSA\""},
		{"MA-L,000A27,\"Apple", 0x000a27000000, "Apple"},
		{"MA-L,000A27,Apple", 0x000a27000000, "Apple"},
		{"MA-L,000A27,\"\",x\n", 0x000a27000000, ""},
		{"MA-L,000A27,", 0x000a27000000, ""},
		{"MA-L,000A27", 0x000a27000000, ""},
		{"MA-L,Private,x\n", 0x000a27000000, ""},
		{"MA-S,70B3D5719,2M Technology,x\n", 0x70b3d5719001, "2M Technology"},
		{"000000 Xerox\n", 0x000000123456, ""},
		{"00:00:00  Xerox\n", 0x000000123456, ""},
		{"MA-L,000000,Xerox,x\n", 0x000000123456, ""},
		{"000001 Xerox\n", 0x000001123456, "Xerox"},
		{"FFFFFF All\n", 0xffffffffffff, "All"},
		{"", 0x000a27000000, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oui *oui = load((const char *[]){cases[i].line, NULL});

		assert_string_equal(name_of(oui, cases[i].address), cases[i].name);
		oui_free(oui);
	}
}

static void longest_block_wins(void **state)
{
	struct oui *oui = load((const char *[]){
		"70B3D5 Registry\n",
		"MA-M,70B3D57,Medium,x\nMA-M,70B3D58,Private,x\n"
		"MA-S,70B3D5719,Small,x\nMA-S,70B3D571A,PRIVATE,x\nMA-S,70B3D571B,,x\n",
		NULL});

	(void)state;
	assert_int_equal(oui_count(oui), 3);
	assert_string_equal(name_of(oui, 0x70b3d5719fff), "Small");
	assert_string_equal(name_of(oui, 0x70b3d571a000), "Medium");
	assert_string_equal(name_of(oui, 0x70b3d571b000), "Medium");
	assert_string_equal(name_of(oui, 0x70b3d5718fff), "Medium");
	assert_string_equal(name_of(oui, 0x70b3d57fffff), "Medium");
	assert_string_equal(name_of(oui, 0x70b3d5800000), "Registry");
	assert_string_equal(name_of(oui, 0x70b3d6000000), "");
	oui_free(oui);
}

static void first_file_and_first_line_win(void **state)
{
	struct oui *oui = load((const char *[]){
		"000A27 Apple\n080030 Cern\n080030 Network Research\n",
		"MA-L,000A27,\"Apple, Inc.\",x\nMA-L,0000F0,Samsung,x\nMA-L,00000C,Private,x\n",
		"00:00:0C\tCisco\n00:00:F0\tOther\n", NULL});

	(void)state;
	assert_int_equal(oui_count(oui), 4);
	assert_string_equal(name_of(oui, 0x000a27000000), "Apple");
	assert_string_equal(name_of(oui, 0x080030000000), "Cern");
	assert_string_equal(name_of(oui, 0x0000f0000000), "Samsung");
	assert_string_equal(name_of(oui, 0x00000c000000), "Private");
	oui_free(oui);
}

static void equal_names_are_kept_once(void **state)
{
	struct oui *oui = load((const char *[]){"000A27 Apple\n000393 Apple\n0003 Appl\n", NULL});

	(void)state;
	assert_ptr_equal(name_of(oui, 0x000a27000000), name_of(oui, 0x000393000000));
	oui_free(oui);
}

static void long_name_in_quotes_is_cut(void **state)
{
	char line[400] = "MA-L,000A27,\"";
	size_t head = strlen(line);

	(void)state;
	memset(line + head, 'x', 300);
	struct oui *oui = load((const char *[]){line, NULL});

	assert_int_equal(strlen(name_of(oui, 0x000a27000000)), 256);
	oui_free(oui);
}

/* More blocks than the first table has room for, in a file of many reads. */
static void many_blocks_are_found(void **state)
{
	enum { BLOCKS = 150000, LINE = 14 };
	char *text = malloc(BLOCKS * LINE + 1);

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < BLOCKS; i++) {
		snprintf(text + (size_t)i * LINE, LINE + 1, "%06X Name%02u\n", i + 1, i % 100);
	}
	struct oui *oui = load((const char *[]){text, "000001 Other\n", NULL});

	assert_int_equal(oui_count(oui), BLOCKS);
	for (unsigned i = 0; i < BLOCKS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Name%02u", i % 100);
		assert_string_equal(name_of(oui, (uint64_t)(i + 1) << 24), name);
	}
	assert_string_equal(name_of(oui, (uint64_t)(BLOCKS + 1) << 24), "");
	assert_ptr_equal(name_of(oui, UINT64_C(1) << 24), name_of(oui, UINT64_C(101) << 24));
	oui_free(oui);
	free(text);
}

/* What is no text ends its own file, not the others. */
static void endless_line_is_refused(void **state)
{
	static char text[(128 << 10) + 1];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "000A27 Apple\n", 13);
	struct oui *oui = load((const char *[]){text, "080030 Cern\n", NULL});

	assert_int_equal(oui_count(oui), 2);
	assert_string_equal(name_of(oui, 0x080030000000), "Cern");
	oui_free(oui);
}

static void absent_files_are_skipped(void **state)
{
	struct files f;
	struct oui *oui = NULL;
	struct err err;

	(void)state;
	files_init(&f, (const char *[]){"000A27 Apple\n", NULL});
	assert_int_equal(oui_new((const char *[]){"/nonexistent/x", f.paths[0], NULL}, &oui, &err),
	                 0);
	assert_int_equal(oui_count(oui), 1);
	oui_free(oui);
	files_fini(&f);
}

static void no_file_is_an_error(void **state)
{
	struct oui *oui = NULL;
	struct err err = {.text = ""};

	(void)state;
	assert_int_equal(oui_new((const char *[]){"/nonexistent/x", NULL}, &oui, &err), -ENOENT);
	assert_null(oui);
	assert_non_null(strstr(err.text, "nmap-common"));
	assert_int_equal(oui_new((const char *[]){NULL}, &oui, &err), -ENOENT);
	assert_string_equal(name_of(NULL, 0x000a27000000), "");
	oui_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_line),
		cmocka_unit_test(longest_block_wins),
		cmocka_unit_test(first_file_and_first_line_win),
		cmocka_unit_test(equal_names_are_kept_once),
		cmocka_unit_test(long_name_in_quotes_is_cut),
		cmocka_unit_test(many_blocks_are_found),
		cmocka_unit_test(endless_line_is_refused),
		cmocka_unit_test(absent_files_are_skipped),
		cmocka_unit_test(no_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
