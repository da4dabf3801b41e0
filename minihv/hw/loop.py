"""The run loop: one hart runs until the host is needed.

Three loops, one in the other. The outer one meets what can only happen between instructions:
timers, interrupts, the end of the budget. The middle one enters a page of code. The inner one
executes decoded instructions; the line that says ARMS is where `flatten` puts one branch for
every operation of `ops`. An instruction that needs more than its operands leaves the inner loop
with an event, is dealt with here, and the outer loop goes on.

Arguments, all int64 unless said: `s` the hart's state; `tlb`; `r8`, `r16`, `r32`, `r64` one RAM
seen as signed integers of each size; `page_flags` a byte per physical page; `code` the decode
cache; `code_of` (int32) the code page of each physical page, 0 for none; `shared` what all harts
share.
"""

from minihv.hw.access import load, store
from minihv.hw.bits import call_region, i64, u64
from minihv.hw.decode import COVERED, SHORT, STORES, STRADDLES, decode
from minihv.hw.mmu import fault, raise_trap
from minihv.hw.ops import REGION
from minihv.hw.state import *
from minihv.hw.system import execute_atomic, execute_guest_access, execute_system
from minihv.hw.tlb import flush_tlb, translate
from minihv.hw.trap import settle, take_trap

# Events that leave the inner loop.
NEXT_PAGE, BUDGET_SPENT, NOT_DECODED, TLB_MISS, REGION_EVENT = 0, 1, 2, 3, 4
STOPPED, SYSTEM_EVENT, ATOMIC_EVENT, ILLEGAL_EVENT = 5, 6, 7, 8
ENTRIES = 30  # of a place inside a region's block, until it becomes a block's start
SCRATCH = -1  # no page: the instruction runs from slot 0 of code page 0


def run(s, tlb, r8, r16, r32, r64, page_flags, code, code_of, shared):
    """Run the hart until STOP or until the host is needed; return the reason (EXIT_*)."""
    if s[EPOCH] != shared[SHARED_EPOCH]:
        s[EPOCH] = shared[SHARED_EPOCH]
        flush_tlb(s, tlb)
    s[EXIT] = EXIT_NONE
    stop = s[STOP]
    while True:
        reason = settle(s, tlb, stop)
        if reason:
            return reason
        # The clock of the VM that this hart ran before may have been far ahead.
        ahead = tlb[LOOK] - s[CLOCK]
        if tlb[LOOK_EVERY] and (ahead <= 0 or ahead > shared[SHARED_LATE]):
            if is_hot(s, tlb, code, code_of, shared):
                return EXIT_HOT
        until = min(stop, s[DEADLINE])
        if tlb[LOOK_EVERY]:
            until = min(until, tlb[LOOK])
        left = until - s[CLOCK]
        pc = s[PC]
        word = 0
        alone = False  # run the next instruction from the scratch page
        came = False  # from a region, which knows of none here
        event = NEXT_PAGE
        while event == NEXT_PAGE and left > 0:
            # Enter the page that pc lies in: base is its first slot, and pc = bias + 2 * i.
            fetch_context = s[FETCH_CONTEXT]
            e = TLB_FETCH + ((pc >> 12 & TLB_ENTRIES - 1) << 1)
            if alone:
                alone = False
                if s[BREAKPOINTS] and stops_at(s, pc):
                    s[EXIT] = EXIT_BREAKPOINT
                    event = STOPPED
                    break
                if not fetch_one(s, tlb, r16, r64, page_flags, code, code_of, pc):
                    event = STOPPED
                    break
                base = 0
                i = 0
                page = SCRATCH
                bias = pc
                frame = 0
            elif tlb[e] == pc & -4096 | fetch_context:
                frame = pc + tlb[e + 1] >> 12
                if page_flags[frame] & PAGE_CODE == 0:
                    new_code_page(s, tlb, page_flags, code, code_of, shared, frame)
                base = code_of[frame] * CODE_STRIDE
                page = pc & -4096
                i = base + ((pc & 4095) >> 1)
                bias = page - (base << 1)
                if came and lacks_entry(code, shared, i):
                    event = STOPPED
                    s[EXIT] = EXIT_HOT
                    break
                came = False
            else:
                s[CLOCK] = until - left
                s[PC] = pc
                pa = translate(s, tlb, r64, page_flags, code, code_of, pc, 2, FETCH)
                if s[EXIT]:
                    event = STOPPED
                    break
                # If the page may not be cached (PMP splits it, or it is no RAM): one by one.
                alone = tlb[e] != pc & -4096 | fetch_context
                continue
            dctx = s[DATA_CONTEXT]
            event = BUDGET_SPENT
            while left > 0:
                w = code[u64(i)]
                op = w & 255
                ARMS
                left -= 1
            if event == NEXT_PAGE:
                continue
            pc = bias + (i << 1)
            s[PC] = pc
            s[CLOCK] = until - left
            if event == TLB_MISS:
                event = NEXT_PAGE
                size = 2 if w & SHORT else 4
                va = i64(s[w >> 14 & 31] + (w >> 32))
                if w & STORES:
                    value = s[w >> 19 & 31]
                    store(s, tlb, r8, r64, page_flags, code, code_of, va, w >> 25 & 7, value)
                else:
                    value = load(s, tlb, r8, r64, page_flags, code, code_of, va, w >> 25 & 7)
                    if s[EXIT] == 0:
                        s[w >> 8 & 63] = value
                if s[EXIT]:
                    s[ACCESS_RD] = -1 if w & STORES else w >> 8 & 63
                    s[LENGTH] = size
                    event = STOPPED
                    break
                pc = i64(pc + size)
                left -= 1
            elif event == REGION_EVENT:
                event = NEXT_PAGE
                alone = tlb[LOOK_EVERY] == 0  # no hart, or none that can enter regions
                if alone:
                    continue
                before = left
                left = call_region(shared[SHARED_ENTER], s, tlb, r8, shared, left, pc)
                pc = s[PC]
                came = left < 0
                if came:
                    left = ~left
                alone = left == before  # it could not even start: a TLB miss, or little budget
                place = SHARED_BLOCK_HEAT + (i & HEATS - 1)
                if alone and heats(shared, place, shared[SHARED_HOTTER]):
                    s[EXIT] = EXIT_HOT  # budgets end there again and again
                    event = STOPPED
                    break
            elif event == NOT_DECODED:
                event = NEXT_PAGE
                slot = i - base
                if slot >= 2048 or base == 0:
                    continue  # the page, or the scratch page, ends here
                if s[BREAKPOINTS] and stops_at(s, pc):
                    s[EXIT] = EXIT_BREAKPOINT
                    event = STOPPED
                    break
                index = (frame << 11) + slot
                half = r16[index] & 0xFFFF
                if half & 3 == 3:
                    if slot == 2047:
                        alone = True  # it goes on in another page
                        code[i] = w | STRADDLES
                        continue
                    half |= (r16[index + 1] & 0xFFFF) << 16
                if s[BREAKPOINTS] and may_stop_at(s, pc):
                    alone = True  # stays undecoded, so that the next pass stops here again
                else:
                    code[i] = decode(half, slot)
        # Deal with what left the inner loop.
        s[PC] = pc
        s[CLOCK] = until - left
        if event == SYSTEM_EVENT:
            if word >> 12 & 7 == 4:
                execute_guest_access(s, tlb, r8, r64, page_flags, code, code_of, word)
            else:
                execute_system(s, tlb, word)
        elif event == ATOMIC_EVENT:
            execute_atomic(s, tlb, r8, r64, page_flags, code, code_of, word)
        elif event == ILLEGAL_EVENT:
            raise_trap(s, ILLEGAL, word)
        reason = s[EXIT]
        if reason == EXIT_TRAP:
            reason = take_trap(s, tlb)
            if reason:
                return reason
        elif reason:
            return reason


def lacks_entry(code, shared, i):
    """Return whether regions have led here so often that one should begin here, inside a block."""
    if code[i] & COVERED == 0 or code[i] & 255 == REGION:
        return False
    return heats(shared, SHARED_BLOCK_HEAT + (i & HEATS - 1), ENTRIES)


def heats(shared, place, limit):
    """Count one more at a place; return whether it is hot now."""
    shared[place] += 1
    return shared[SHARED_HOT] > 0 and 0 < limit <= shared[place]


def fetch_one(s, tlb, r16, r64, page_flags, code, code_of, pc):
    """Decode the instruction at `pc` into the scratch page; return False, EXIT set, on a fault."""
    low = fetch_half(s, tlb, r16, r64, page_flags, code, code_of, pc)
    high = 0
    if s[EXIT] == 0 and low & 3 == 3:
        high = fetch_half(s, tlb, r16, r64, page_flags, code, code_of, i64(pc + 2))
    if s[EXIT]:
        return False
    code[0] = decode(low | high << 16, -1)
    code[1] = 0
    code[2] = 0
    return True


def fetch_half(s, tlb, r16, r64, page_flags, code, code_of, va):
    """Return the 16 bits of code at `va`; EXIT is set if they cannot be fetched."""
    offset = translate(s, tlb, r64, page_flags, code, code_of, va, 2, FETCH) - RAM_BASE
    if s[EXIT] == 0 and (offset < 0 or offset >= s[RAM_SIZE]):
        fault(s, FETCH, va, False)
    if s[EXIT]:
        return 0
    return r16[offset >> 1] & 0xFFFF


def new_code_page(s, tlb, page_flags, code, code_of, shared, frame):
    """Give the physical page `frame` a page of the decode cache, if it does not have one yet.

    No hart may keep a write entry for it in its TLB: stores must look whether they hit code.
    """
    if code_of[frame] == 0:
        number = shared[SHARED_CODE_PAGES]
        if (number + 1) * CODE_STRIDE > len(code):
            for k in range(len(code)):
                code[k] = 0
            for k in range(len(code_of)):
                code_of[k] = 0
                page_flags[k] = page_flags[k] & ~(PAGE_CODE | PAGE_REGION)
            number = 1
        shared[SHARED_CODE_PAGES] = number + 1
        code_of[frame] = number
    page_flags[frame] = page_flags[frame] | PAGE_CODE
    shared[SHARED_EPOCH] += 1
    s[EPOCH] = shared[SHARED_EPOCH]
    flush_tlb(s, tlb)


def is_hot(s, tlb, code, code_of, shared):
    """Look at the code at pc; return whether it is hot, and none of it is in a region yet.

    The next look is soon if this one finds such code, and later and later if not.
    """
    pc = s[PC]
    e = TLB_FETCH + ((pc >> 12 & TLB_ENTRIES - 1) << 1)
    hot = False
    soon = False
    if s[BREAKPOINTS] == 0 and tlb[e] == pc & -4096 | s[FETCH_CONTEXT]:
        frame = pc + tlb[e + 1] >> 12
        w = code[code_of[frame] * CODE_STRIDE + ((pc & 4095) >> 1)]
        if w and w & COVERED == 0:
            soon = True
            hot = heats(shared, SHARED_HEAT + (frame & HEATS - 1), shared[SHARED_HOT])
    later = min(2 * tlb[LOOK_EVERY], shared[SHARED_LATE])
    tlb[LOOK_EVERY] = max(shared[SHARED_SOON] if soon else later, 1)
    tlb[LOOK] = s[CLOCK] + tlb[LOOK_EVERY]
    return hot


def stops_at(s, pc):
    """Return whether the host set a breakpoint at `pc` and has not yet been told."""
    if s[SKIP] == s[CLOCK]:
        return False
    for k in range(s[BREAKPOINTS]):
        if s[BREAKPOINT + k] == pc:
            s[SKIP] = s[CLOCK]
            return True
    return False


def may_stop_at(s, pc):
    """Return whether a breakpoint is at this place of some page: aliases share decoded code."""
    for k in range(s[BREAKPOINTS]):
        if (s[BREAKPOINT + k] ^ pc) & 4095 == 0:
            return True
    return False
