/* trap.S: interrupts, exceptions, the switch of threads, and the watched attempt. */

    .text
    .globl trap_timer, trap_spurious, trap_table
/* The CPU aligned the stack and pushed five words; nine more registers align it again. */
trap_timer:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    cld
    movq 72(%rsp), %rdi             /* the interrupted instruction */
    call machine_timer
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
trap_spurious:
    iretq

/* An entry for each of the 32 exceptions: it makes the frame one with an error code, pushes the
 * vector, and goes to the common part, which does not come back. */
    .macro exceptions first, last
    .set vector, \first
    .rept \last - \first + 1
    .balign 16
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector >= 29 && vector <= 30)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp exception
    .set vector, vector + 1
    .endr
    .endm

    .balign 16
trap_table:
    exceptions 0, 31

exception:
    cld
    movl (%rsp), %edi               /* vector */
    movq 8(%rsp), %rsi              /* error code */
    movq 16(%rsp), %rdx             /* rip */
    movq %cr2, %rcx
    andq $-16, %rsp
    call machine_exception
    ud2

/* void machine_switch(uintptr_t *from, uintptr_t to) */
    .globl machine_switch
machine_switch:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* bool machine_attempt(tl_atomic_word *word) */
    .globl machine_attempt, machine_attempt_begin, machine_attempt_end
machine_attempt:
    movq (%rdi), %rax
machine_attempt_begin:
    leaq 1(%rax), %rdx
    lock cmpxchgq %rdx, (%rdi)
machine_attempt_end:
    sete %al
    movzbl %al, %eax
    ret

    .section .note.GNU-stack, "", @progbits
