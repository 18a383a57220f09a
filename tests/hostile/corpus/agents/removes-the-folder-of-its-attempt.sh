rm -rf "$tree"/../../wave-*/code
