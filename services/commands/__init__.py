"""What each command of `retoucher` does once its options are parsed. Knows the terminal; decides no repair."""
