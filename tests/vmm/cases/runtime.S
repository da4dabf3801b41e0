# runtime: hex output on the UART, end through the test finisher
finish_ok:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, (t0)
    j .
puthex:                 # a0, 16 digits, newline
    li t0, 0x10000000
    li t1, 60
ph1: srl t2, a0, t1
    andi t2, t2, 15
    li t3, 10
    blt t2, t3, ph2
    addi t2, t2, 39
ph2: addi t2, t2, 48
    sb t2, (t0)
    addi t1, t1, -4
    bgez t1, ph1
    li t2, 10
    sb t2, (t0)
    ret
puts:                   # a0
    li t0, 0x10000000
ps1: lbu t1, (a0)
    beqz t1, ps2
    sb t1, (t0)
    addi a0, a0, 1
    j ps1
ps2: ret
stack: .dword 0
