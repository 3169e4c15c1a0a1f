"""`python -m douane` is `douane`."""

from douane.cli import main

if __name__ == "__main__":
    main()
