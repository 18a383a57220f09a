git init -q "$tree/../sub" && (cd "$tree/../sub" && $commit --allow-empty -m sub)
git -c protocol.file.allow=always submodule --quiet add "$tree/../sub" src/sub
printf '[submodule "src/sub"]\n\tpath = src/sub\n\turl = ext::touch%% PWNED\n\tupdate = !touch PWNED\n' > .gitmodules
