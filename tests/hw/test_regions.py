"""Compiled regions: made where code runs hot, and gone when that code changes.

Each program runs once by plain Python and once with regions, and must end in the same state; the
cases are those in which a region could outlive its code or miss what should have stopped it.
"""

import pytest

from minihv.asm import assemble
from minihv.hw import copier, regions
from minihv.hw import state as st
from tests.hw.chaos import make_eager
from tests.hw.compare import differences
from tests.hw.lab import RAM, SIZE, TABLES, program

pytest.importorskip("llvmlite", reason="LLVM is not installed: there are no regions")

TICKS = 3000


def both(source, ticks=TICKS, prepare=lambda machine: None, **options):
    """The machine after a run with regions, which was compared with a run without."""
    expected = program("python", source, **options)
    hot = program("jit", source, **options)
    for machine in (expected, hot):
        machine.rounds.slice = 50
        prepare(machine)
    make_eager(hot, 50)
    expected.run(ticks)
    hot.run(ticks)
    assert differences(expected, hot) == []
    assert hot.memory.regions.count > 0
    return hot


def start_hot(source, ticks=500, **options):
    """A machine that has run `source` hot: regions exist, and no new ones will be made."""
    machine = program("jit", source, **options)
    make_eager(machine, 50)
    machine.run(ticks)
    assert machine.memory.regions.count > 0
    machine.memory.regions.most = 0
    return machine


COUNT = "1: addi a0, a0, 1; xor a1, a1, a0; bne a0, x0, 1b"


# --- that they are made at all ------------------------------------------------------------------


def test_a_loop_is_translated_only_when_it_is_hot():
    machine = program("jit", COUNT)
    machine.memory.shared[st.SHARED_SOON] = 1000
    machine.run(1000 * (regions.HOT - 1))
    assert machine.memory.regions.count == 0
    machine.run(1000)
    assert machine.memory.regions.count == 1
    assert machine.memory.regions.instructions == 3
    machine.run(100_000)
    assert machine.memory.regions.count == 1
    assert machine.harts[0].x[10] == (100_000 + 1000 * regions.HOT + 2) // 3


def test_a_page_that_keeps_changing_is_translated_seldom_until_it_does_no_more():
    machine = program("jit", PATCHING.format(store="sw t1, (t0)", new=0x00250513))
    memory = machine.memory
    memory.shared[st.SHARED_SOON] = memory.shared[st.SHARED_LATE] = 50
    machine.run(1_000_000)
    few = memory.regions.count
    assert 5 < few < 200
    at = memory.read(RAM, 8192).index(assemble("sw t1, (t0)", RAM).data)
    memory.write(RAM + at, assemble("nop", RAM).data)
    machine.run(50 * regions.HOT * 2 ** (regions.PATIENCE + 1))
    assert memory.flags[1] & st.PAGE_REGION
    assert memory.regions.count == few + 1


def test_with_breakpoints_nothing_is_translated():
    machine = program("jit", COUNT)
    make_eager(machine, 50)
    machine.stops.add_breakpoint(RAM + 0x800)
    machine.run(1000)
    assert machine.memory.regions.count == 0


def test_a_breakpoint_in_a_region_stops():
    machine = start_hot(COUNT)
    machine.stops.add_breakpoint(RAM + 4)
    assert machine.run(100).reason == "breakpoint"
    assert machine.harts[0].pc == RAM + 4


def test_a_watchpoint_stops_a_region():
    source = """
            la t0, 2f
    1:      ld a0, (t0)
            addi a0, a0, 1
            sd a0, (t0)
            j 1b
            .align 12
    2:      .dword 0
    """
    machine = start_hot(source)
    at = machine.harts[0].x[5]
    value = machine.memory.read_u64(at)
    machine.stops.watch_memory(at)
    assert machine.run(100).reason == "watchpoint"
    assert machine.harts[0].pc == RAM + 16
    assert machine.memory.read_u64(at) - value <= 1


@pytest.mark.parametrize("budget", range(1, 12))
def test_a_budget_ends_inside_a_region_at_the_exact_instruction(budget):
    source = "1: addi a0, a0, 1; addi a1, a1, 2; addi a2, a2, 3; mul a3, a0, a1; j 1b"
    hot = start_hot(source)
    plain = program("python", source)
    plain.run(500)
    for _ in range(20):
        hot.run(budget)
        plain.run(budget)
        assert differences(plain, hot) == []


# --- code that changes --------------------------------------------------------------------------

PATCHING = """
        la t0, patch
        la t2, page
        la t3, page + 0x1004
        li t1, {new:#x}
        li t4, 0x00150513       # addi a0, a0, 1
        li s1, 60
        j page
        .balign 4096
page:   addi a1, a1, 1
patch:  addi a0, a0, 1
        addi s1, s1, -1
        bnez s1, page
        li s1, 60
        {store}
        xor t1, t1, t4          # next time the other one
        xor t4, t4, t1
        xor t1, t1, t4
        j page
"""
STORES = {
    "sw": "sw t1, (t0)",
    "sh": "sh t1, (t0); srli t5, t1, 16; sh t5, 2(t0)",
    "sb": "srli t5, t1, 16; sb t5, 2(t0); srli t5, t1, 24; sb t5, 3(t0)",
    "sd": "ld t5, -4(t0); slli t5, t5, 32; srli t5, t5, 32; slli t6, t1, 32; or t5, t5, t6;"
    "sd t5, -4(t0)",
    "misaligned": "lbu t5, -1(t0); slli t6, t1, 8; or t5, t5, t6; sw t5, -1(t0);"
    "srli t5, t1, 24; sb t5, 3(t0)",
    "amoswap.w": "amoswap.w x0, t1, (t0)",
    "amomaxu.w": "sw x0, (t0); amomaxu.w x0, t1, (t0)",
    "sc.w": "lr.w x0, (t0); sc.w x0, t1, (t0)",
}


@pytest.mark.parametrize("store", STORES)
def test_code_that_patches_the_loop_it_runs_in(store):
    """addi a0, a0, 1 becomes addi a0, a0, 2 and back, 60 rounds each; stores of every kind."""
    hot = both(PATCHING.format(store=STORES[store], new=0x00250513))
    rounds, a0 = hot.harts[0].x[11], hot.harts[0].x[10]
    pairs, rest = divmod(rounds, 120)
    assert abs(a0 - (pairs * 180 + min(rest, 60) + 2 * max(0, rest - 60))) <= 2
    assert hot.memory.regions.count >= 4


def test_a_patch_in_the_middle_of_a_block():
    """The store and what it changes are in one straight block, a few instructions apart."""
    source = """
            la t0, patch
            li t1, 0x00250513
            li t2, 0x00150513
    1:      addi a1, a1, 1
            andi a2, a1, 1
            beqz a2, 2f
            sw t1, (t0)
            j patch
    2:      sw t2, (t0)
            addi a3, a3, 1
    patch:  addi a0, a0, 1
            j 1b
    """
    hot = both(source).harts[0]
    assert abs(hot.x[10] - hot.x[11] * 3 // 2) <= 2


def test_a_jump_into_the_middle_of_what_was_an_instruction():
    """The bytes of one instruction, entered at its second half, are another one."""
    source = """
            li s1, 100
    1:      addi a0, a0, 1
            lui a1, 0x05050         # its upper half is c.addi a0, 1 twice over
            andi a2, s1, 1
            addi s1, s1, -1
            beqz a2, 1b
            la t0, 1b + 6
            jr t0
    """
    both(source)


def test_the_host_changes_code():
    machine = start_hot(COUNT)
    before = machine.harts[0].x[10]
    machine.memory.write(RAM, bytes.fromhex("13054500"))  # addi a0, a0, 4
    machine.run(300)
    assert machine.harts[0].x[10] - before >= 396


def test_another_hart_changes_code():
    source = """
            la t0, patch
            bnez a0, other
    1:      addi s0, s0, 1
    patch:  addi s1, s1, 1
            j 1b
    other:  li t1, 0x00248493       # addi s1, s1, 2
            li t2, 2000
    1:      addi t2, t2, -1
            bnez t2, 1b
            sw t1, (t0)
    1:      j 1b
    """
    hot = both(source, 20_000, harts=2)
    assert hot.harts[0].x[9] > hot.harts[0].x[8] + 100


def test_a_page_walk_changes_code():
    """A page that holds code and a page table: setting A changes an instruction there."""
    base = RAM + 0x8000

    def prepare(machine):
        hart = machine.harts[0]
        hart.own_machine_mode()
        root = [0] * 512
        root[2] = RAM >> 12 << 10 | 0xCF  # RAM, one to one
        root[1] = RAM >> 12 << 10 | 0x0F  # the same at 0x40000000, never accessed
        machine.memory.write(base, b"".join(pte.to_bytes(8, "little") for pte in root))
        # code in the same page; as an instruction the PTE at entry 1 is never executed
        machine.memory.write(base + 0x100, b"\x05\x05" * 20 + b"\xe3\x0c\x00\xfc")
        hart.start(RAM, 0)

    source = f"""
            li t0, {8 << 60 | base >> 12:#x}
            csrw satp, t0
            li s2, {base + 0x100:#x}
            li s3, 0x40000000
            li s1, 100
    1:      addi a1, a1, 1
            addi s1, s1, -1
            bnez s1, 1b
            ld a2, (s3)
            li t1, {base:#x}
            ld a3, 8(t1)
            jr s2
    """
    hot = both(source, 2000, prepare)
    assert hot.harts[0].x[13] & 0x40


# --- pages and mappings -------------------------------------------------------------------------


def in_s_mode(extra=""):
    """A preparation: S-mode under Sv39, RAM one to one and again at 0x40000000."""

    def prepare(machine):
        hart = machine.harts[0]
        hart.own_machine_mode()
        root = [0] * 512
        root[2] = root[1] = RAM >> 12 << 10 | 0xCF
        machine.memory.write(TABLES, b"".join(pte.to_bytes(8, "little") for pte in root))
        hart.start(RAM, 0)
        hart.csr["satp"] = 8 << 60 | TABLES >> 12

    return prepare


def test_one_page_under_two_addresses():
    """A region belongs to the physical page; auipc and links depend on the virtual one."""
    source = """
            la s0, loop
            li s1, 0x40000000
            add s2, s0, s1
            sub s2, s2, s1
            li t0, 0x40000000
            sub s2, s0, t0          # the same code at the other address
            jr s0
            .balign 4096
    loop:   auipc a0, 0
            addi a1, a1, 1
            call 1f
            andi a2, a1, 31
            bnez a2, loop
            xor s0, s0, s2          # swap, and go on at the other address
            xor s2, s2, s0
            xor s0, s0, s2
            add a3, a3, a0
            jr s0
    1:      add a4, a4, ra
            ret
    """
    both(source, prepare=in_s_mode())


def test_a_virtual_page_that_is_remapped():
    """Same virtual address, other physical page: the region must not come along."""

    def prepare(machine):
        in_s_mode()(machine)
        loop = bytes.fromhex("13051500 9385f5ff e39c05fe 67800000".replace(" ", ""))
        for k, page in enumerate((0x20000, 0x21000)):
            code = bytearray(loop)
            code[2:4] = (0x0015 + (k << 4)).to_bytes(2, "little")  # addi a0, a0, 1 or 2
            machine.memory.write(RAM + page, bytes(code))

    source = f"""
            li s0, {TABLES + 0x1000:#x}
            li t0, {TABLES + 0x2000 >> 12 << 10 | 1:#x}
            sd t0, (s0)
            li t0, {TABLES + 0x1000 >> 12 << 10 | 1:#x}
            li s1, {TABLES:#x}
            sd t0, (s1)
            li s2, {TABLES + 0x2000:#x}
            li s3, {RAM + 0x20000 >> 12 << 10 | 0xCB:#x}
            li s4, {RAM + 0x21000 >> 12 << 10 | 0xCB:#x}
    1:      sd s3, (s2)
            sfence.vma x0, x0
            li a1, 40
            jalr x0
            sd s4, (s2)
            sfence.vma x0, x0
            li a1, 40
            jalr x0
            j 1b
    """.replace("jalr x0\n", "jalr ra, 0(x0)\n")
    hot = both(source, prepare=prepare)
    assert hot.harts[0].x[10] > 1000


def test_a_page_that_loses_its_permission_to_execute():
    machine = start_hot(COUNT)
    hart = machine.harts[0]
    hart.csr["pmpaddr0"] = RAM >> 2 | 0x1FF
    hart.csr["pmpcfg0"] = 0x99  # locked, readable
    hart.csr["mtvec"] = RAM + 0x2000
    machine.memory.write(RAM + 0x2000, bytes.fromhex("6f000000"))
    machine.run(10)
    assert hart.csr["mcause"] == 1
    assert hart.csr["mepc"] & -4096 == RAM


def test_a_page_that_pmp_splits():
    machine = start_hot(COUNT)
    hart = machine.harts[0]
    hart.csr["pmpaddr0"] = RAM + 4 >> 2
    hart.csr["pmpcfg0"] = 0x91  # locked, four bytes, readable
    hart.csr["mtvec"] = RAM + 0x2000
    machine.memory.write(RAM + 0x2000, bytes.fromhex("6f000000"))
    machine.run(10)
    assert hart.csr["mcause"] == 1
    assert hart.csr["mepc"] == RAM + 4


# --- the shape of code --------------------------------------------------------------------------

SHAPES = {
    "at the end of a page": """
            li s1, 100
            j loop
            .org 0xff0
    loop:   addi a0, a0, 1
            addi s1, s1, -1
            beqz s1, done
            j loop
    done:   li s1, 100
            j loop
    """,
    "across pages": """
            j loop
            .org 0xfee
    loop:   c.addi a0, 1
            addi a1, a1, 1
            addi a2, a2, 1
            addi a3, a3, 1
            addi a4, a4, 1
            addi a5, a5, 1
            j loop
    """,
    "far branches": """
            j loop
            .org 0xf80
    loop:   addi a0, a0, 1
            andi a1, a0, 3
            beqz a1, far
            bnez a1, loop
            .org 0x1100
    far:    addi a2, a2, 1
            beqz a1, loop
    """,
    "calls and returns": """
            la sp, stack
    loop:   li a0, 9
            call fib
            add s0, s0, a0
            j loop
    fib:    addi sp, sp, -32
            sd ra, 8(sp)
            sd s1, 16(sp)
            li t0, 2
            bltu a0, t0, 1f
            mv s1, a0
            addi a0, s1, -1
            call fib
            sd a0, 24(sp)
            addi a0, s1, -2
            call fib
            ld t1, 24(sp)
            add a0, a0, t1
    1:      ld s1, 16(sp)
            ld ra, 8(sp)
            addi sp, sp, 32
            ret
            .zero 4096
    stack:  .dword 0
    """,
    "computed jumps": """
            li s1, 0
    loop:   la t0, table
            andi t1, s1, 3
            slli t1, t1, 3
            add t0, t0, t1
            addi s1, s1, 1
            jalr t2, 1(t0)          # bit 0 is dropped
            .align 3
            .option norvc
    table:  addi a0, a0, 1
            j loop
            addi a1, a1, 1
            j loop
            addi a2, a2, 1
            j loop
            addi a3, a3, 1
            j loop
    """,
    "division": """
            li s1, -3
    loop:   li a0, -0x8000000000000000
            div a1, a0, s1
            rem a2, a0, s1
            divu a3, a0, s1
            remu a4, a0, s1
            divw a5, s1, s1
            remw a6, a0, s1
            divuw a7, a0, s1
            remuw t0, a0, s1
            add t1, t1, a1
            add t1, t1, a2
            add t1, t1, a3
            add t1, t1, a4
            xor t1, t1, a5
            addi s1, s1, 1
            slti t2, s1, 4
            bnez t2, loop
            li s1, -3
            j loop
    """,
    "more than a region holds": "loop:" + "addi a0, a0, 1\n add a1, a1, a0\n" * 230 + "j loop",
    "writes of x0": "la t0, loop; loop: add x0, a0, a0; lw x0, (t0); addi a0, a0, 1; jal x0, loop",
    "branches to the next instruction": "loop: addi a0, a0, 1; beq a0, a0, . + 4; j loop",
    "a system instruction inside": """
    loop:   addi a0, a0, 1
            csrr a1, mscratch
            addi a1, a1, 1
            csrw mscratch, a1
            fence
            amoadd.d x0, a0, (sp)
            j loop
    """,
    "traps inside": """
            la t0, handler
            csrw mtvec, t0
    loop:   addi a0, a0, 1
            andi a1, a0, 7
            bnez a1, loop
            ld a2, (x0)             # traps; the handler steps over it
            j loop
            .align 2
    handler: csrr t1, mepc
            addi t1, t1, 4
            csrw mepc, t1
            mret
    """,
    "timer interrupts": """
            la t0, handler
            csrw mtvec, t0
            li t0, 0x20
            csrw mie, t0
            csrw stimecmp, x0
            li t0, 1
            slli t0, t0, 63
            csrw menvcfg, t0
            csrsi mstatus, 8
    loop:   addi a0, a0, 1
            mul a1, a0, a0
            xor a2, a2, a1
            j loop
            .align 2
    handler: csrr t0, time
            addi t0, t0, 7
            csrw stimecmp, t0
            csrr t0, mepc
            slli a3, a3, 1
            add a3, a3, t0
            add a3, a3, a0
            mret
    """,
    "loads that miss": """
            la s0, data
            li s1, 12
    loop:   slli t0, s1, 12
            add t0, t0, s0
            addi a1, a1, 1
            ld t1, (t0)
            addi t1, t1, 1
            sd t1, (t0)
            ld t1, 3(t0)            # misaligned
            sh t1, 0x123(t0)
            addi s1, s1, -1
            bnez s1, loop
            li s1, 12
            j loop
            .align 12
    data:   .zero 8
    """,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_code(shape):
    both(".option norvc\n" + SHAPES[shape] if "c.addi" not in SHAPES[shape] else SHAPES[shape],
         prepare=lambda machine: machine.harts[0].x.__setitem__(2, RAM + SIZE - 4096))  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_compressed_code(shape):
    both(".option rvc\n" + SHAPES[shape],
         prepare=lambda machine: machine.harts[0].x.__setitem__(2, RAM + SIZE - 4096))  # fmt: skip


# --- an instruction in two pages ----------------------------------------------------------------

STRADDLING = """
        j loop
        .org 0xffa
loop:   c.addi a0, 1
        c.addi a1, 1
        .option norvc
        addi a2, a2, 1          # its second half is in the next page
        addi a3, a3, 1
        andi t0, a0, 15
        bnez t0, loop
        {change}
        j loop
"""
CHANGES = {
    "nothing": "nop",
    "its second half": "la t1, loop + 6; lhu t2, (t1); xori t2, t2, 0x10; sh t2, (t1)",
    "its first half": "la t1, loop + 4; lhu t2, (t1); li t3, 0x400; xor t2, t2, t3; sh t2, (t1)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_instruction_in_two_pages(change):
    hot = both(".option rvc\n" + STRADDLING.format(change=CHANGES[change]), 20_000)
    counts = [hot.harts[0].x[number] for number in (10, 11, 12, 13)]
    assert counts[0] > 1000
    assert (max(counts) - min(counts) <= 1) == (change == "nothing")


def test_an_instruction_in_two_pages_of_which_the_second_is_remapped():
    """Two frames take turns as the second page; the instruction's second half differs."""
    def prepare(machine):
        in_s_mode()(machine)
        code = assemble(".option norvc\n addi a0, a0, 1\n addi a1, a1, 1\n ret", RAM).data
        other = assemble(".option norvc\n addi a0, a0, 17\n addi a1, a1, 1\n ret", RAM).data
        machine.memory.write(RAM + 0x20FFE, code[:2])
        machine.memory.write(RAM + 0x21000, code[2:])
        machine.memory.write(RAM + 0x22000, other[2:])

    flags, table = 0xCB, TABLES + 0x2000
    source = f"""
            li s0, {TABLES + 0x1000:#x}
            li t0, {table >> 12 << 10 | 1:#x}
            sd t0, (s0)
            li t0, {TABLES + 0x1000 >> 12 << 10 | 1:#x}
            li s1, {TABLES:#x}
            sd t0, (s1)
            li s2, {table:#x}
            li s3, {RAM + 0x20000 >> 12 << 10 | flags:#x}
            sd s3, (s2)
            li s4, {RAM + 0x21000 >> 12 << 10 | flags:#x}
            li s5, {RAM + 0x22000 >> 12 << 10 | flags:#x}
    1:      sd s4, 8(s2)
            sfence.vma x0, x0
            li s6, 9
            li t1, 0xffe
    2:      jalr t1
            addi s6, s6, -1
            bnez s6, 2b
            xor s4, s4, s5          # the other one
            xor s5, s5, s4
            xor s4, s4, s5
            j 1b
    """
    hot = both(source, 20_000, prepare)
    calls = hot.harts[0].x[11]
    assert calls > 1000 and abs(hot.harts[0].x[10] - 9 * calls) < 200


# --- stores beside code ---------------------------------------------------------------------------

BESIDE = """
        la s1, data
        la s2, patch + {into}
        li s4, {mask:#x}
        {load} t1, (s2)
        j page
        .balign 4096
data:   .zero 64
page:   addi a1, a1, 1
        mv t0, s1
        li s3, 40
1:      call put                # beside the code that runs
        addi s3, s3, -1
        bnez s3, 1b
        xor t1, t1, s4
        mv t0, s2
        call put                # the same store into it
        .option norvc
patch:  addi a0, a0, 1
        addi a2, a2, 1
        j page
put:    {store} t1, (t0)
        ret
"""


@pytest.mark.parametrize(("store", "load", "into", "mask"), [
    ("sb", "lb", 2, 0x10), ("sb", "lb", 3, 0x01), ("sh", "lh", 2, 0x10), ("sw", "lw", 0, 1 << 20),
    ("sd", "ld", 0, 1 << 20), ("sd", "ld", 4, 1 << 52)])  # fmt: skip
def test_a_store_beside_code_and_then_into_it(store, load, into, mask):
    """addi a0, a0, 1 becomes another one and back; up to then the store has met data only."""
    at = f".balign 8\n{'nop' if into == 4 else ''}\n" if store == "sd" else ""
    source = BESIDE.format(store=store, load=load, mask=mask, into=into - 8 * (into == 4))
    hot = both(source.replace("patch:", f"{at}patch:"), 60_000)
    a0, a1 = (hot.harts[0].x[number] for number in (10, 11))
    assert a1 > 100 and a0 != a1


def test_room_for_code_that_is_full_again_and_again(monkeypatch):
    monkeypatch.setattr(copier, "ARENA", 5_000)
    forgotten = []
    forget = regions.HotRegions._forget
    monkeypatch.setattr(regions.HotRegions, "_forget",
                        lambda self, memory: forgotten.append(1) or forget(self, memory))
    body = "".join(f"l{k}: addi a{k}, a{k}, {k + 1}; andi t0, a{k}, 7; bnez t0, l{k}\n"
                   for k in range(8))  # fmt: skip
    both(f"loop: {body} j loop", 20_000)
    assert len(forgotten) > 3
