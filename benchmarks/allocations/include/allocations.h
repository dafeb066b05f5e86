// How often this process has asked for memory. Whoever links this target has its malloc and its kin counted (glibc).
#pragma once
#include <stdint.h>

uint64_t allocations_made(void);

// How many bytes it has now, with what the allocator adds to each piece.
uint64_t allocations_bytes(void);
