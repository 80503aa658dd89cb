"""``python -m benchmark``, which is the same as the command ``ldl-benchmark``."""

from benchmark.installation import search_first_folder_last

if __name__ == "__main__":
    search_first_folder_last()
    from benchmark.cli import main

    main()
