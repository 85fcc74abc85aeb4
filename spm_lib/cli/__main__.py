"""``python -m spm_lib.cli``."""

from spm_lib.cli import main

if __name__ == "__main__":
    main()
