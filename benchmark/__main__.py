"""``python -m benchmark``, which is the same as the command ``ldl-benchmark``."""

from benchmark.installation import search_first_folder_last


def _program() -> None:
    from benchmark.cli import main

    main.main()


if __name__ == "__main__":
    search_first_folder_last()
    from benchmark.running.interruption import run_to_the_end

    run_to_the_end(_program)
