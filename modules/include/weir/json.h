#pragma once

// <weir/json.h>: weir::Json, for code that makes JSON or looks into it. <weir/module.h> only names
// the type, which is enough for functions with described structs, and compiles faster.

#include "modules/system/call/json.h"
