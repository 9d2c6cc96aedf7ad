// The precompiled header of test programs: Catch2, and what most of them include. Only with GLB_PCH.
#pragma once

#include <atomic>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "cmake/precompiled/library.h"
