common=$(git rev-parse --git-common-dir)
mkdir -p "$common/objects/zz" "$common/objects/pack"
echo garbage > "$common/objects/zz/not-an-object"
echo garbage > "$common/objects/pack/pack-0000000000000000000000000000000000000000.pack"
echo garbage > "$common/objects/pack/pack-0000000000000000000000000000000000000000.idx"
