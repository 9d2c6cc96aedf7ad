#include "tests/harness/golden.h"

namespace glb::test {

Bytes golden_out() {
    return from_hex("45 00 00 62 00 00 00 00 40 11 64 6e 0a 00 01 0a"
                    "0a 00 01 14 9c 41 17 c1 00 4e 00 00 08 00 08 00"
                    "00 00 00 00 01 08 01 02 2b 8e e1 d4 db 0c 51 c4"
                    "01 08 02 02 00 00 00 00 00 00 00 00 01 08 03 01"
                    "de ad be ef 45 00 00 1e 00 01 40 00 3f 11 4f 7c"
                    "c0 00 02 0a c6 33 64 14 30 39 00 35 00 0a 00 00"
                    "68 69");
}

Bytes golden_return() {
    return from_hex("45 00 00 62 00 00 00 00 02 11 a2 6e 0a 00 01 14"
                    "0a 00 01 0a 9c 41 17 c1 00 4e 00 00 08 00 08 00"
                    "00 00 00 00 01 08 01 02 2b 8e e1 d4 db 0c 51 c4"
                    "01 08 02 02 00 00 00 00 00 00 00 00 01 08 03 01"
                    "de ad be ef 45 00 00 1e 00 01 40 00 3f 11 4f 7c"
                    "c0 00 02 0a c6 33 64 14 30 39 00 35 00 0a 00 00"
                    "68 69");
}

} // namespace glb::test
