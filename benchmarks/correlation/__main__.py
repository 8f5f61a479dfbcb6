"""`python -m benchmarks.correlation`: see `benchmarks.correlation.run`."""

from benchmarks.correlation.run import main

if __name__ == "__main__":
    main()
