"""What things are: plain frozen values and the words for them. No I/O, no SQL, no clock, no wire shapes."""
