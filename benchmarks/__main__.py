"""Run every benchmark and print its table: `make bench`."""

from benchmarks import audio, reading

if __name__ == "__main__":
    audio.main()
    reading.main()
