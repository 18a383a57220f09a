touch -- '--help' '-rf' '--output=PWNED' ':(top)x' ':(glob)**' '@{-1}' 'HEAD'
