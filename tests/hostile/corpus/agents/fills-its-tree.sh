head -c 30000000 /dev/zero > src/large.bin
