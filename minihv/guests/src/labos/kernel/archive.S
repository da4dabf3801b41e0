# The archive of user programs: a table of names, starts and ends. PROGRAMS is the build's list.
.macro program name
.section .rodata.archive.table, "a"
1:  .asciz  "\name"
    .org    1b + 16                     # an error here: the name is too long
    .dword  2f, 3f
.section .rodata.archive.files, "a"
.balign 8
2:  .incbin "\name"
3:
.endm

.section .rodata.archive.table, "a"
.balign 8
.globl archive, archive_end
archive:
    .irp    name, PROGRAMS
    program \name
    .endr
.section .rodata.archive.table, "a"
archive_end:
