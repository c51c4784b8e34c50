"""The command line: translation only; every command calls the library and shows what came back."""
