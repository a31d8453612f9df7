"""`fusion_rt.commands.doctor` with stand-ins for the engine."""

from __future__ import annotations

from fakes import FakeEngine

from fusion_rt.commands import doctor


def test_lines_of_a_build_and_notes_of_the_engine_are_shown(monkeypatch, capsys):
    def open_engine(name, *, size_wh, report):
        report("building bts fp16 320x240")
        engine = FakeEngine(size_wh)
        object.__setattr__(engine.info, "notes", ("pairs are launched one by one",))
        return engine

    monkeypatch.setattr(doctor, "open_engine", open_engine)
    check = doctor._engine("tensorrt")
    assert check.grade is doctor.Grade.OK
    assert "note: pairs are launched one by one" in check.finding
    assert "building bts fp16 320x240" in capsys.readouterr().err
