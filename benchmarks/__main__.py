"""Run every benchmark and print its table: `make bench`."""

from benchmarks import audio, capacity, fairness, ledger, observing, reading, rendition, uploads, video

if __name__ == "__main__":
    audio.main()
    video.main([])
    rendition.main()
    ledger.main()
    reading.main()
    observing.main()
    capacity.main()
    fairness.main()
    uploads.main()
