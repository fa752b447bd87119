/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SipHash-1-3, in whatever parts the bytes come. */
#include <passer/base/hash.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * SipHash-1-3 of the bytes 00 01 02 … by the reference implementation (github.com/veorq/SipHash,
 * built with one and three rounds) with the key 0.
 */
static const struct hash_row {
	size_t len;
	uint64_t value;
} hash_rows[] = {
	{0, 0xd1fba762150c532c},  {1, 0x68a914128e01e473},  {2, 0x010bac45c41e3669},
	{3, 0x4d4c9a4a8ef6e0ad},  {4, 0x7cc43f98813e4dbd},  {5, 0x5abe2169dff36275},
	{6, 0xe3c25f87624f1cdb},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
	{9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
	{17, 0x4883c49a2c009c1d}, {24, 0x31185a47af932f3a},
};

static const struct hash_key zero_key;

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t)i;
	}
}

static uint64_t hash_of(const struct hash_key *key, const void *data, size_t len)
{
	struct hash h;

	hash_init(&h, key);
	hash_add(&h, data, len);
	return hash_final(&h);
}

static void hash_is_siphash_1_3(void **state)
{
	/* Key and value as Rust's standard library tests them: bytes dc c4 0f 05 58 01 ac ab. */
	const struct hash_key counting = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < COUNT(hash_rows); i++) {
		assert_true(hash_of(&zero_key, bytes, hash_rows[i].len) == hash_rows[i].value);
	}
	assert_true(hash_of(&counting, bytes, 0) == 0xabac0158050fc4dc);
}

/* Every length to 40 bytes, cut into three parts at every pair of places. */
static void hash_does_not_depend_on_parts(void **state)
{
	uint8_t bytes[40];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint64_t whole = hash_of(&zero_key, bytes, len);

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				struct hash h;

				hash_init(&h, &zero_key);
				hash_add(&h, bytes, a);
				hash_add(&h, bytes + a, b - a);
				hash_add(&h, bytes + b, len - b);
				assert_true(hash_final(&h) == whole);
			}
		}
	}
}

static void hash_takes_words_anywhere(void **state)
{
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t before = 0; before <= 16; before++) {
		uint64_t word = 0;
		struct hash h;

		for (size_t i = 8; i > 0; i--) {
			word = word << 8 | bytes[before + i - 1];
		}
		hash_init(&h, &zero_key);
		hash_add(&h, bytes, before);
		hash_add_u64(&h, word);
		hash_add(&h, bytes + before + 8, 16 - before);
		assert_true(hash_final(&h) == hash_of(&zero_key, bytes, 24));
	}
}

/* What is cheaper says the same: zeros up to a word, and the last bytes as a number. */
static void hash_has_cheap_ends(void **state)
{
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint8_t padded[32] = {0};
		struct hash h;

		memcpy(padded, bytes, len);
		hash_init(&h, &zero_key);
		hash_add_padded(&h, bytes, len);
		assert_true(hash_final(&h) == hash_of(&zero_key, padded, (len + 7) / 8 * 8));
	}
	for (unsigned len = 0; len < 8; len++) {
		uint64_t value = 0;
		struct hash h;

		for (unsigned i = 0; i < len; i++) {
			value |= (uint64_t)bytes[8 + i] << 8 * i;
		}
		hash_init(&h, &zero_key);
		hash_add(&h, bytes, 8);
		hash_add_part(&h, value, len);
		assert_true(hash_final(&h) == hash_of(&zero_key, bytes, 8 + len));
	}
}

static void hash_depends_on_the_key(void **state)
{
	struct hash_key a = hash_key_random();
	struct hash_key b = hash_key_random();

	(void)state;
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_true(hash_of(&a, "x", 1) != hash_of(&b, "x", 1));
	b = a;
	b.k1 ^= 1;
	assert_true(hash_of(&a, "x", 1) != hash_of(&b, "x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_siphash_1_3),
		cmocka_unit_test(hash_does_not_depend_on_parts),
		cmocka_unit_test(hash_takes_words_anywhere),
		cmocka_unit_test(hash_has_cheap_ends),
		cmocka_unit_test(hash_depends_on_the_key),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
