"""``python -m mneme`` is the command line."""

from mneme.cli.main import main

if __name__ == "__main__":
    main()
