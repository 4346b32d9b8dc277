"""Run every benchmark and print its table: `make bench`."""

from benchmarks import audio, reading, uploads

if __name__ == "__main__":
    audio.main()
    reading.main()
    uploads.main()
