"""Signals whose measurements are known: we measure them rightly, and another implementation can be held to them."""

import io

import msgspec
import numpy as np
import pytest
import soundfile

from capture_validation import checks
from capture_validation.conformance import Measured, conformance, measured, vectors, wav


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_a_known_signal_measures_what_it_must(vector):
    found = measured(vector)

    assert found.conforms, found.value


def test_no_two_vectors_share_a_name_and_each_names_a_check():
    names = [vector.name for vector in vectors()]

    assert len(names) == len(set(names))
    assert {vector.check for vector in vectors()} <= set(checks.published())


def test_a_value_outside_the_tolerance_does_not_conform():
    vector = next(vector for vector in vectors() if vector.name == "3341-15")

    values = (None, -6.41, -6.39, -5.81, -5.79)

    assert [False, False, True, True, False] == [Measured(vector, value).conforms for value in values]


def test_a_vector_is_written_as_it_was_made():
    vector = next(vector for vector in vectors() if vector.name == "six-channels")

    samples, rate = soundfile.read(io.BytesIO(wav(vector)), dtype="float32", always_2d=True)

    assert vector.rate == rate
    assert np.array_equal(vector.make().astype(np.float32), samples)


def test_another_implementation_is_told_all_it_needs(capsys):
    assert 0 == conformance(["--json"])

    told = msgspec.json.decode(capsys.readouterr().out)

    assert len(vectors()) == len(told)
    assert {"file", "check", "version", "unit", "expected", "under", "over", "source"} == set(told[0])


def test_the_files_are_written_beside_their_list(tmp_path, monkeypatch):
    short = tuple(vector for vector in vectors() if vector.name in {"length", "cd-rate"})
    monkeypatch.setattr("capture_validation.conformance.vectors", lambda: short)

    assert 0 == conformance(["--write", str(tmp_path / "new")])

    assert {"length.wav", "cd-rate.wav", "vectors.json"} == {path.name for path in (tmp_path / "new").iterdir()}


def test_one_wrong_measurement_fails_the_command(capsys, monkeypatch):
    right = next(vector for vector in vectors() if vector.name == "length")
    wrong = msgspec.structs.replace(right, name="wrong", expected=7.0)
    monkeypatch.setattr("capture_validation.conformance.vectors", lambda: (right, wrong))

    assert 1 == conformance([])

    assert "WRONG  wrong" in capsys.readouterr().out
