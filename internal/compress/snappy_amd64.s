//go:build !purego

#include "textflag.h"

// func snappyFast(dst, src []byte, at, end int) (int, int)
//
// SI  the tag's place  R8  past which no tag is decoded here
// DI  the output       R9  past which nothing is put out here
// R10 start of dst     R11 the table
// AX  the tag's byte   R13 and R14 the next tag's place and byte
TEXT ·snappyFast(SB), NOSPLIT, $0-80
	MOVQ dst_base+0(FP), R10
	MOVQ dst_len+8(FP), R9
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), R8
	MOVQ end+56(FP), DI
	LEAQ -80(R10)(R9*1), R9  // a copy writes up to 80 bytes
	LEAQ -66(SI)(R8*1), R8   // a literal reads its tag, 64 bytes, and the tag behind
	ADDQ R10, DI
	ADDQ at+48(FP), SI
	LEAQ ·snappyTable(SB), R11
	MOVBLZX (SI), AX

loop:
	CMPQ SI, R8
	JGT  done
	CMPQ DI, R9
	JGT  done

	MOVQ (R11)(AX*8), CX  // length, offset's high bits, mask of its low ones
	MOVL 1(SI), BX

	// The next tag lies behind 1 + kind bytes, or behind a literal: both are
	// loaded, since to wait for the choice takes longer.
	MOVL    AX, DX
	SHRL    $2, DX
	ANDL    $3, AX
	MOVBLZX 2(SI)(DX*1), R12
	MOVBLZX 1(SI)(AX*1), R14
	LEAQ    2(SI)(DX*1), DX
	LEAQ    1(SI)(AX*1), R13
	TESTL   AX, AX
	CMOVQEQ DX, R13
	CMOVLEQ R12, R14

	MOVBLZX CX, R12
	MOVQ    CX, DX
	SHRQ    $32, DX
	ANDL    DX, BX
	SHRL    $16, CX
	ADDL    CX, BX           // the offset; 16 of a literal; 0 of what is not done here
	MOVQ    DI, DX
	SUBQ    R10, DX
	CMPQ    BX, DX
	JHI     done             // before the start: an error, or a literal at the start
	MOVQ    DI, R15
	SUBQ    BX, R15
	LEAQ    1(SI), DX
	TESTL   AX, AX
	CMOVQEQ DX, R15          // where the bytes come from
	CMPL    BX, $16
	JLO     near

copy:
	MOVOU (R15), X0
	MOVOU X0, (DI)
	MOVOU 16(R15), X1
	MOVOU X1, 16(DI)
	MOVQ  R13, SI
	MOVL  R14, AX
	CMPL  R12, $32
	JHI   long
	ADDQ  R12, DI
	JMP   loop

long:
	MOVOU 32(R15), X0
	MOVOU X0, 32(DI)
	MOVOU 48(R15), X1
	MOVOU X1, 48(DI)
	ADDQ  R12, DI
	JMP   loop

	// An offset of less than 16: where the length is more, the copy repeats
	// bytes that it wrote.
near:
	TESTL BX, BX
	JEQ   done
	CMPL  R12, BX
	JLS   copy
	MOVQ  R13, SI
	MOVL  R14, AX
	MOVQ  DI, CX
	ADDQ  R12, DI

widen:
	CMPL BX, $8
	JHS  eight
	MOVQ (R15), DX
	MOVQ DX, (CX)
	ADDQ BX, CX
	ADDL BX, BX
	JMP  widen

eight:
	CMPQ CX, DI
	JHS  loop
	MOVQ (R15), DX
	MOVQ DX, (CX)
	ADDQ $8, R15
	ADDQ $8, CX
	JMP  eight

done:
	SUBQ R10, DI
	SUBQ src_base+24(FP), SI
	MOVQ SI, ret+64(FP)
	MOVQ DI, ret1+72(FP)
	RET
