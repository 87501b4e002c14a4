# A guest that is its boot sector: at each tick of the timer it writes to all
# of 4 MiB, so that no copying keeps up, and says so on the serial line. It
# says "!" where a page has not what it has written there before.

        .code16
        .set    FIRST_BYTE, 16 << 20
        .set    LAST_BYTE, 20 << 20
        .set    PAGE, 4096
        .set    SERIAL, 0x3f8

        .globl  _start
_start: ljmp    $0, $here
here:   cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0x7c00, %sp

        # The timer interrupt is ours, and the only one.
        movw    $tick, 8 * 4
        movw    $0, 8 * 4 + 2
        mov     $0xfe, %al
        outb    %al, $0x21

        # Memory over 1 MiB: line A20, and a segment of 4 GiB in %fs.
        inb     $0x92, %al
        or      $2, %al
        outb    %al, $0x92
        lgdt    table
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        mov     $8, %bx
        mov     %bx, %fs
        and     $0xfe, %al
        mov     %eax, %cr0

        xor     %ecx, %ecx              # the number of sweeps
sweep:  sti
        hlt
        cli
        mov     $FIRST_BYTE, %edi
page:   cmp     %ecx, %fs:(%edi)
        je      write
        mov     $'!', %al
        call    say
write:  incl    %fs:(%edi)
        add     $PAGE, %edi
        cmp     $LAST_BYTE, %edi
        jb      page

        mov     %ecx, %eax
        inc     %ecx
        xor     %edx, %edx
        mov     $26, %ebx
        div     %ebx
        mov     %dl, %al
        add     $'a', %al
        call    say
        jmp     sweep

say:    mov     $SERIAL, %dx
        outb    %al, %dx
        ret

tick:   push    %ax
        mov     $0x20, %al
        outb    %al, $0x20
        pop     %ax
        iret

        .balign 8
gdt:    .quad   0
        .quad   0x00cf92000000ffff
table:  .word   . - gdt - 1
        .long   gdt

        # A partition, without which Glance and Nova take it for no image.
        .org    446
        .byte   0x80, 0, 2, 0, 0xda, 0, 0, 0
        .long   1, 2047

        .org    510
        .word   0xaa55
