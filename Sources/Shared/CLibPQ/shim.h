#ifndef MOOSE_CLIBPQ_SHIM_H
#define MOOSE_CLIBPQ_SHIM_H
#include <libpq-fe.h>
#endif
