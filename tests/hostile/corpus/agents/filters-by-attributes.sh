echo '* filter=evil diff=evil merge=evil' > .gitattributes
for key in filter.evil.clean filter.evil.smudge filter.evil.process diff.evil.command diff.evil.textconv merge.evil.driver; do
  git config "$key" "touch $tree/PWNED"
done
