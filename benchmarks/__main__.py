"""Run every benchmark and print its table: `make bench`."""

from benchmarks import audio

if __name__ == "__main__":
    audio.main()
