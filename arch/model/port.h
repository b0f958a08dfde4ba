/* model/port.h: what a model's main program says to arch/model/port.cpp. */
#ifndef TL_ARCH_MODEL_PORT_H
#define TL_ARCH_MODEL_PORT_H

#include "arch/port.h"

/* Whether tl_port_wait may return without a wake. On, it shows code that trusts a return, and takes
 * away the order that relacy gives from waker to woken; off, a missing wake is a deadlock. Each
 * model runs both ways. */
extern bool tl_model_wakes_for_nothing;

#endif
