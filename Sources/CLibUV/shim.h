#include <uv.h>

// Swift calls no functions with `...`.
static inline int chord_chat_measure_idle_time(uv_loop_t *loop) { return uv_loop_configure(loop, UV_METRICS_IDLE_TIME); }
