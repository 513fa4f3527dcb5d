// Compiled with the precompiled header of the tests, so that CMake builds it; holds nothing itself.
