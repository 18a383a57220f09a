mv "$tree" "$tree.moved" && ln -s "$repository" "$tree"
