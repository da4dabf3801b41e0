/* A main for each library of tools/bench/public.py: a second or so of work, and a line about it. */
#include <stdio.h>
#include <string.h>

#define SIZE (128 << 10)
static unsigned char text[SIZE], packed[2 * SIZE], back[SIZE];
static unsigned long sum;

static void add(const void *data, unsigned size)
{
    for (const unsigned char *byte = data; size--;)
        sum = sum * 31 + *byte++;
}

#if defined LZ4
#include "lz4.h"
typedef int length;
#define PACK size = LZ4_compress_default(text, packed, SIZE, sizeof packed)
#define UNPACK whole = LZ4_decompress_safe(packed, back, size, SIZE)
#elif defined ZLIB
#include "zlib.h"
typedef uLongf length;
#define PACK compress(packed, &size, text, SIZE)
#define UNPACK uncompress(back, &whole, packed, size)
#elif defined BZIP2
#include "bzlib.h"
typedef unsigned length;
#define PACK BZ2_bzBuffToBuffCompress(packed, &size, text, SIZE, 1, 0, 30)
#define UNPACK BZ2_bzBuffToBuffDecompress(back, &whole, packed, size, 0, 0)
void bz_internal_error(int code) { printf("bzip2: %d\n", code); }
#endif

#ifdef PACK
static int work(int round)
{
    length size = sizeof packed, whole = SIZE;
    PACK;
    add(packed, size);
    UNPACK;
    return whole != SIZE || memcmp(text, back, SIZE);
}
#elif defined MD4C
#include "md4c-html.h"
static void take(const MD_CHAR *data, MD_SIZE size, void *unused) { add(data, size); }
static int work(int round) { return md_html(text, SIZE / 4, take, 0, MD_DIALECT_GITHUB, 0); }
#elif defined MBEDTLS
#include "mbedtls/aes.h"
#include "mbedtls/bignum.h"
#include "mbedtls/sha256.h"
#include "mbedtls/sha512.h"
static int work(int round)
{
    static mbedtls_aes_context aes;
    static mbedtls_mpi a, b, odd;
    mbedtls_sha256_ret(text, SIZE, back, 0);
    mbedtls_sha512_ret(text, SIZE, back + 32, 0);
    mbedtls_aes_setkey_enc(&aes, back, 256);
    for (int at = 0; at < SIZE; at += 16)
        mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, text + at, packed + at);
    packed[127] |= 1;
    int bad = mbedtls_mpi_read_binary(&a, packed + 128, 128) ||
        mbedtls_mpi_read_binary(&b, back, 64) || mbedtls_mpi_read_binary(&odd, packed, 128) ||
        mbedtls_mpi_exp_mod(&a, &a, &b, &odd, 0) || mbedtls_mpi_write_binary(&a, back, 128);
    add(back, 128);
    return bad;
}
#elif defined LUA
#include "lua.h"
#include "lauxlib.h"
#include "lualib.h"
static const char program[] =
    "local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end\n"
    "local words, list, n = {}, {}, 0\n"
    "for word in text:gmatch('%a+') do words[word] = (words[word] or 0) + 1; n = n + 1 end\n"
    "for word, times in pairs(words) do list[#list + 1] = word .. '=' .. times end\n"
    "for i = 1, 5000 do list[#list + 1] = string.format('%05d', i * 7919 % 10007) end\n"
    "table.sort(list)\n"
    "return table.concat(list, ' ') .. n + fib(20)\n";
static int work(int round)
{
    lua_State *L = luaL_newstate();
    luaL_requiref(L, "_G", luaopen_base, 1);
    luaL_requiref(L, "string", luaopen_string, 1);
    luaL_requiref(L, "table", luaopen_table, 1);
    lua_pushlstring(L, text, SIZE / 2);
    lua_setglobal(L, "text");
    int bad = luaL_dostring(L, program);
    add(lua_tostring(L, -1), lua_rawlen(L, -1));
    lua_close(L);
    return bad;
}
#endif

int main(void)
{
    static const char *const words[] = {
        "the ", "*guest* ", "walks ", "tables ", "of ", "`pages` ", "and ", "[traps](to/it) ",
        "into ", "# supervisor\n\n", "mode,\n", "> where ", "it ends.\n\n", "- a ", "**b** ", "c "};
    unsigned seed = 1;
    for (int at = 0; at < SIZE;) {
        seed = seed * 1103515245 + 12345;
        for (const char *word = words[seed >> 28]; *word && at < SIZE;)
            text[at++] = *word++;
    }
    for (int round = 0; round < ROUNDS; round++) {
        text[round * 977 % SIZE] ^= 1;
        if (work(round)) {
            printf("round %d went wrong\n", round);
            return 1;
        }
    }
    printf("%lx\n", sum);
    return 0;
}
